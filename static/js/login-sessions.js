// The person's own login sessions: which devices are signed in, and ending them.
import { get, goToLogin, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const rows = byId("sessions-table").querySelector("tbody");

byId("end-others").addEventListener("click", endOthers);
await load();

async function load() {
  try {
    const { data } = await get("/api/v1/auth/sessions");
    rows.replaceChildren(...data.map(draw));
    byId("sessions-table").hidden = !data.length;
    byId("end-others").hidden = data.length < 2;
    byId("sessions-note").textContent = data.length < 2 ? "You are signed in on this device only." : "End what you do not recognise, then change your password.";
    byId("sessions-error").hidden = true;
  } catch (error) {
    byId("sessions-error").textContent = `Your sessions could not be listed: ${error.message}`;
    byId("sessions-error").hidden = false;
    byId("sessions-note").textContent = "";
  }
}

function draw(session) {
  const row = byId("session-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.sessionId = session.id;
  row.querySelector(".session-device").textContent = session.device || "Unknown device";
  row.querySelector("[data-current]").hidden = !session.current;
  row.querySelector(".session-ip").textContent = session.ip || "—";
  row.querySelector(".session-created").append(timeElement(session.created_at));
  row.querySelector(".session-seen").append(timeElement(session.last_seen_at ?? session.created_at));
  const button = row.querySelector("button");
  button.setAttribute("aria-label", `End the session on ${session.device || "an unknown device"}`);
  button.addEventListener("click", () => end(session));
  return row;
}

async function end(session) {
  const yes = await ask({ title: "End this session?", action: "End it", danger: true,
    text: session.current ? "This is the device in front of you: you will be signed out." : `${session.device || "That device"} will be signed out at once.` });
  if (!yes) return;
  try {
    await remove(`/api/v1/auth/sessions/${session.id}`);
    if (session.current) return goToLogin("revoked_by_you");
    notify("The session has ended.");
  } catch (error) {
    notify(`The session was not ended: ${error.message}`, "danger");
  }
  await load();
}

async function endOthers() {
  const yes = await ask({ title: "End all other sessions?", action: "End all others", danger: true,
    text: "Every device except this one will be signed out at once." });
  if (!yes) return;
  try {
    await remove("/api/v1/auth/sessions");
    notify("All other sessions have ended.");
  } catch (error) {
    notify(`The sessions were not ended: ${error.message}`, "danger");
  }
  await load();
}
