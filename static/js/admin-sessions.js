// Who is signed in now: of one organisation, or (platform) of all. Ends sessions and shows the receipt.
import { get, goToLogin, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { watchLive } from "./live-stats.js";
import { showReceipt } from "./admin-receipt.js";
import { showTimeline } from "./admin-timeline.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const place = byId("sessions");
const api = place.dataset.api;
const across = Boolean(place.dataset.across);
const rows = byId("session-rows");
let next = null;
let waiting = null;

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", () => soon(250));
byId("sessions-more").addEventListener("click", () => load(next));
byId("end-all")?.addEventListener("click", endAll);
watchLive({ "login_session:opened": () => soon(150), "login_session:closed": ({ id }) => closed(id) });
await load();
setInterval(() => document.hidden || next || load(), 30_000); // sessions also run out by time

/** Read the list again a little later, once for many events. */
function soon(milliseconds) {
  clearTimeout(waiting);
  waiting = setTimeout(() => load(), milliseconds);
}

async function load(after = null) {
  const query = new URLSearchParams(new FormData(byId("filters")));
  const [age, seconds] = byId("filters").querySelector("select").value.split("=");
  if (age) query.set(age, seconds);
  if (after) query.set("after", after);
  const preset = new URLSearchParams(location.search);
  for (const name of ["user_id", "tenant_id"]) if (preset.get(name)) query.set(name, preset.get(name));
  try {
    const answer = await get(`${api}?${query}`);
    const drawn = answer.data.map(draw);
    if (after) rows.append(...drawn);
    else rows.replaceChildren(...drawn);
    next = answer.next;
    byId("sessions-error").hidden = true;
  } catch (error) {
    byId("sessions-error").textContent = `The sessions could not be listed: ${error.message}`;
    byId("sessions-error").hidden = false;
  }
  describe();
}

function describe() {
  byId("sessions-footer").hidden = !next;
  const count = rows.children.length;
  byId("sessions-note").textContent = count
    ? `${count}${next ? " or more" : ""} live session${count === 1 ? "" : "s"}`
    : "Nobody that fits is signed in now.";
}

function draw(session) {
  const row = byId("session-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.sessionId = session.id;
  row.querySelector(".who-name").textContent = session.display_name || session.email || "Unknown person";
  row.querySelector(".who-mail").textContent = session.email ?? "";
  if (across) row.querySelector(".session-tenant").textContent = session.tenant.name;
  row.querySelector(".session-device").textContent = session.device || "Unknown device";
  row.querySelector("[data-current]").hidden = !session.current;
  row.querySelector(".session-ip").textContent = session.ip || "—";
  row.querySelector(".session-created").append(timeElement(session.created_at));
  row.querySelector(".session-seen").append(timeElement(session.last_seen_at ?? session.created_at));
  offerEnding(row, session);
  return row;
}

function offerEnding(row, session) {
  const who = session.display_name || session.email;
  row.querySelector('[data-act="timeline"]')?.addEventListener("click", () => showTimeline(session));
  for (const [name, action] of [["end", endOne], ["end-person", endPerson]]) {
    const button = row.querySelector(`[data-act="${name}"]`);
    button.hidden = !place.dataset.mayEnd;
    button.setAttribute("aria-label", `${button.textContent} (${who}, ${session.device || "unknown device"})`);
    button.addEventListener("click", () => action(session));
  }
}

async function endOne(session) {
  const yes = await ask({ title: "End this session?", action: "End session", danger: true,
    text: session.current ? "This is your own session: you will be signed out here." : `${session.email} on ${session.device} will be signed out at once, and open tabs close.` });
  if (!yes) return;
  const where = across ? `?tenant_id=${session.tenant.id}` : "";
  await act(() => remove(`${api}/${session.id}${where}`).then(({ data }) => ({ ended: data.ended, revocations: [data.revocation] })));
  if (session.current) goToLogin("revoked_by_admin");
}

async function endPerson(session) {
  const yes = await ask({ title: "End all sessions of this person?", action: "End all", danger: true,
    text: `${session.email} will be signed out on every device at once.` });
  if (!yes) return;
  const body = { user_id: session.user_id, ...(across ? { tenant_id: session.tenant.id } : {}) };
  await act(() => post(`${api}/revoke`, body).then(({ data }) => data));
}

async function endAll() {
  const yes = await ask({ title: "End all other sessions?", action: "End all", danger: true,
    text: "Everybody in the organisation, except you here, will be signed out at once." });
  if (yes) await act(() => post(`${api}/revoke`, { all: true }).then(({ data }) => data));
}

async function act(call) {
  try {
    const ended = await call();
    await Promise.all([showReceipt(ended), load()]);
  } catch (error) {
    byId("sessions-error").textContent = `Nothing was ended: ${error.message}`;
    byId("sessions-error").hidden = false;
    soon(0);
  }
}

function closed(id) {
  if (!id) return soon(150);
  rows.querySelector(`[data-session-id="${CSS.escape(id)}"]`)?.remove();
  describe();
}
