// The overview: live numbers and two minutes of requests per second.
import { showStats, watchLive } from "./live-stats.js";
import uPlot from "../vendor/uPlot.esm.js";

const SECONDS = 120;
const scope = document.querySelector("[data-scope]").dataset.scope;
const place = document.getElementById("requests-chart");
const data = [[], []];
let chart = null;

watchLive({ stats: (stats) => {
  if (stats.scope !== scope) return;
  showStats(stats);
  data[0].push(stats.at);
  data[1].push(stats.requests_per_second);
  for (const series of data) series.splice(0, Math.max(0, series.length - SECONDS));
  draw();
} });
document.addEventListener("onyx:theme", rebuild);
new ResizeObserver(() => chart?.setSize(size())).observe(place);

function draw() {
  if (!chart) chart = new uPlot(options(), data, place);
  else chart.setData(data);
}

function rebuild() {
  chart?.destroy();
  chart = null;
  if (data[0].length) draw();
}

function size() {
  return { width: Math.max(200, place.clientWidth), height: 240 };
}

/** Without the day, which would be cut at the edge: two minutes are shown. */
const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function options() {
  const style = getComputedStyle(document.body);
  const ink = style.color; // resolved; a canvas knows neither variables nor color-mix()
  const grid = document.documentElement.dataset.bsTheme === "dark" ? "#3a4659" : "#e3e6eb";
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  return {
    ...size(), legend: { show: false }, cursor: { show: false },
    scales: { x: { time: true, range: () => [data[0].at(-1) - SECONDS, data[0].at(-1)] }, y: { range: (_, low, high) => [0, Math.max(5, high * 1.2)] } },
    axes: [{ ...axis, space: 90, size: 32, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 44 }],
    series: [{}, { stroke: "#4263eb", width: 2, fill: "rgba(66, 99, 235, .14)", points: { show: false } }],
  };
}
