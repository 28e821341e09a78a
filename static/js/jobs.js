// The page of jobs: what happens by itself, how it went, and starting it now.
import { get, post } from "./api.js";
import { notify } from "./notices.js";
import { relative, timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const TINTS = { success: "green", failed: "red", busy: "orange" };
const WORDS = { success: "done", failed: "failed", busy: "was busy elsewhere" };
const CALM = 10_000;
const EAGER = 1000;
let timer = 0;
let eagerUntil = 0; // a job that was just started may be between the queue and its first word

byId("jobs").addEventListener("click", (event) => {
  const button = event.target.closest("[data-testid=job-run]");
  if (button) run(button);
});
document.addEventListener("visibilitychange", () => !document.hidden && load());
await load();

async function load() {
  clearTimeout(timer);
  if (document.hidden) return;
  let eager = false;
  try {
    const { data } = await get("/api/v1/jobs");
    byId("jobs-error").hidden = true;
    byId("state").replaceChildren(...state(data));
    for (const job of data.jobs) show(job);
    byId("jobs-note").textContent = "";
    eager = Date.now() < eagerUntil || data.jobs.some((job) => job.waiting || job.running);
  } catch (error) {
    byId("jobs-error").textContent = error.message;
    byId("jobs-error").hidden = false;
    byId("jobs-note").textContent = "";
  }
  timer = setTimeout(load, eager ? EAGER : CALM);
}

function state(data) {
  const parts = [
    [data.workers ? `${data.workers} worker${data.workers === 1 ? "" : "s"}` : "No worker is running", data.workers],
    [data.scheduler ? "Scheduler is running" : "No scheduler is running", data.scheduler],
    [data.steward ? "Steward is running" : "No steward is running", data.steward],
  ];
  for (const [name, count] of Object.entries(data.queues ?? {})) parts.push([`${count} waiting in “${name}”`, count < 100]);
  return parts.map(([words, good]) => {
    const badge = document.createElement("span");
    badge.className = `badge bg-${good ? "green" : "red"}-lt`;
    badge.textContent = words;
    return badge;
  });
}

function show(job) {
  let card = byId("jobs").querySelector(`[data-name="${CSS.escape(job.name)}"]`);
  if (!card) {
    card = byId("job-piece").content.cloneNode(true).querySelector("section");
    card.dataset.name = job.name;
    card.querySelector(".job-title").textContent = job.title;
    card.querySelector(".job-what").textContent = job.what;
    card.querySelector(".job-name").textContent = job.name;
    card.querySelector(".job-every").textContent = every(job.every_seconds);
    card.querySelector("[data-testid=job-run]")?.setAttribute("aria-label", `Run now: ${job.title}`);
    byId("jobs").append(card);
  }
  card.querySelector(".job-last").replaceChildren(...last(job));
  card.querySelector(".job-next").textContent = next(job);
  progress(card, job);
  card.querySelector("tbody").replaceChildren(...job.runs.map(line));
  card.querySelector(".job-runs").hidden = !job.runs.length;
}

function last(job) {
  const one = job.runs[0];
  if (!one) return [document.createTextNode("not yet")];
  return [outcome(one), document.createTextNode(" "), timeElement(one.started_at)];
}

function next(job) {
  if (job.running) return "running now";
  if (job.waiting) return "waiting for a worker";
  if (!job.next_at) return "unknown";
  const seconds = (new Date(job.next_at) - new Date()) / 1000;
  if (seconds < 60) return seconds <= 1 ? "any moment" : "within a minute";
  return relative(job.next_at);
}

function progress(card, job) {
  const bar = card.querySelector("progress");
  const going = Boolean(job.running || job.waiting);
  bar.hidden = !going;
  bar.setAttribute("aria-label", `Progress of ${job.title}`);
  if (job.running?.total) {
    bar.max = job.running.total;
    bar.value = job.running.done;
  } else bar.removeAttribute("value");
  const button = card.querySelector("[data-testid=job-run]");
  if (button) button.disabled = going;
}

function line(one) {
  const row = document.createElement("tr");
  row.dataset.outcome = one.outcome;
  const visited = one.tenants === null ? "" : `, ${one.tenants} organisation${one.tenants === 1 ? "" : "s"} visited`;
  for (const part of [timeElement(one.started_at), outcome(one), `${one.effects}${visited}`, `${one.duration_ms.toLocaleString()} ms`, one.started_by]) {
    const cell = document.createElement("td");
    cell.append(part);
    row.append(cell);
  }
  return row;
}

function outcome(one) {
  const badge = document.createElement("span");
  badge.className = `badge bg-${TINTS[one.outcome] ?? "secondary"}-lt`;
  badge.textContent = (WORDS[one.outcome] ?? one.outcome) + (one.error ? ` (${one.error})` : "");
  return badge;
}

async function run(button) {
  const card = button.closest("section");
  button.disabled = true;
  try {
    await post(`/api/v1/jobs/${encodeURIComponent(card.dataset.name)}/run`, {});
    eagerUntil = Date.now() + 6000;
    notify(`“${card.querySelector(".job-title").textContent}” starts as soon as a worker is free.`);
  } catch (error) {
    notify(`Not started: ${error.message}`, "danger");
  }
  await load();
}

function every(seconds) {
  const [count, word] = seconds % 86400 === 0 ? [seconds / 86400, "day"] : seconds % 3600 === 0 ? [seconds / 3600, "hour"] : [seconds / 60, "minute"];
  return count === 1 ? word : `${count} ${word}s`;
}
