// <time data-relative datetime="…"> reads "3 minutes ago", with the exact local time as its title.
const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "3 minutes ago" for a moment; `now` in ms. */
export function relative(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

/** "11/22/2026, 2:05:40 AM UTC": the reader's own time, with its zone. */
export function exact(moment) {
  return new Date(moment).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
}

/** A <time> element for script-made rows. */
export function timeElement(moment) {
  const element = document.createElement("time");
  element.dateTime = moment;
  element.dataset.relative = "";
  show(element);
  return element;
}

/** Fill all relative times now and every half minute. */
export function watchRelativeTimes() {
  const showAll = () => document.querySelectorAll("time[data-relative]").forEach(show);
  showAll();
  setInterval(showAll, 30_000);
}

function show(element) {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  element.textContent = relative(moment);
  element.title = exact(moment);
}
