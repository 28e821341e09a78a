// The rows of the live-session list, kept by session: what is there stays the same element, so that nothing flickers.
import { showTimeline } from "./admin-timeline.js";
import { timeElement } from "./times.js";

const place = document.getElementById("sessions");
const body = document.getElementById("session-rows");
const across = Boolean(place.dataset.across);
const shown = new Map(); // id → { row, session }

/** Make the list exactly these sessions, in this order; rows that stay are not touched but for what changed. */
export function showAll(sessions, actions) {
  const wanted = new Set(sessions.map((session) => session.id));
  for (const id of [...shown.keys()]) if (!wanted.has(id)) removeRow(id);
  let before = body.firstElementChild;
  for (const session of sessions) {
    const row = rowOf(session, actions);
    if (row === before) before = row.nextElementSibling;
    else body.insertBefore(row, before);
  }
}

export function addBelow(sessions, actions) {
  for (const session of sessions) body.append(rowOf(session, actions));
}

/** Put sessions that have just begun on top, the newest first. */
export function addAbove(sessions, actions) {
  for (const session of [...sessions].reverse()) {
    const known = shown.has(session.id);
    const row = rowOf(session, actions);
    if (!known) body.prepend(row);
  }
}

export function removeRow(id) {
  shown.get(id)?.row.remove();
  return shown.delete(id);
}

export const howMany = () => shown.size;
export const has = (id) => shown.has(id);

/** The sessions whose boxes are ticked. */
export function selected() {
  return [...shown.values()].filter(({ row }) => row.querySelector("[data-pick]")?.checked).map(({ session }) => session);
}

export function tickAll(ticked) {
  for (const { row, session } of shown.values()) {
    const box = row.querySelector("[data-pick]");
    if (box && !session.current) box.checked = ticked;
  }
}

function rowOf(session, actions) {
  const known = shown.get(session.id);
  if (known) {
    known.session = session;
    showSeen(known.row, session);
    return known.row;
  }
  const row = draw(session, actions);
  shown.set(session.id, { row, session });
  return row;
}

function draw(session, actions) {
  const row = document.getElementById("session-piece").content.cloneNode(true).querySelector("tr");
  const who = session.display_name || session.email || "Unknown person";
  row.dataset.sessionId = session.id;
  row.querySelector(".who-name").textContent = who;
  row.querySelector(".who-mail").textContent = session.email ?? "";
  if (across) row.querySelector(".session-tenant").textContent = session.tenant.name;
  row.querySelector(".session-device").textContent = session.device || "Unknown device";
  row.querySelector("[data-current]").hidden = !session.current;
  row.querySelector(".session-ip").textContent = session.ip || "—";
  row.querySelector(".session-created").append(timeElement(session.created_at));
  showSeen(row, session);
  const box = row.querySelector("[data-pick]");
  box?.setAttribute("aria-label", `Select ${who}, ${session.device || "unknown device"}`);
  row.querySelector('[data-act="timeline"]')?.addEventListener("click", () => showTimeline(session));
  for (const [name, action] of Object.entries(actions)) {
    const button = row.querySelector(`[data-act="${name}"]`);
    button.hidden = !place.dataset.mayEnd;
    button.setAttribute("aria-label", `${button.textContent} (${who}, ${session.device || "unknown device"})`);
    button.addEventListener("click", () => action(session));
  }
  return row;
}

function showSeen(row, session) {
  const moment = session.last_seen_at ?? session.created_at;
  const cell = row.querySelector(".session-seen");
  if (cell.querySelector("time")?.dateTime !== moment) cell.replaceChildren(timeElement(moment));
}
