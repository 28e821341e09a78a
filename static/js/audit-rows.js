// A row of the trail: the sentence is the button that opens the event.
import { momentElement, OUTCOME_TINTS, paintBadge } from "./audit-log.js";

/** Draw an event; `open` is called with it when the row is chosen. */
export function drawEvent(event, open) {
  const row = document.getElementById("event-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.action = event.action;
  row.dataset.eventId = event.id;
  row.querySelector(".log-time").append(momentElement(event.recorded_at));
  row.querySelector(".log-open").textContent = event.sentence;
  row.querySelector(".log-action").textContent = event.action;
  row.querySelector(".log-ip").textContent = event.ip || "–";
  paintBadge(row.querySelector(".badge"), event.outcome, OUTCOME_TINTS[event.outcome] ?? "secondary");
  row.addEventListener("click", () => open(event));
  return row;
}
