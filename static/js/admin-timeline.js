// What one login session did: sign-in, sockets, addresses, chats by their ids, its end. Never what for.
import { get } from "./api.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const WORDS = {
  "session.created": "Signed in", "session.rotated": "Renewed", "session.ended": "Signed out",
  "session.revoked": "Ended", "session.expired": "Ran out", requests: "Used", sockets: "Live connection used",
  connect: "Live connection opened", disconnect: "Live connection closed", chat: "Chat opened", export: "Chat exported",
};

export async function showTimeline(session) {
  try {
    const { api, across } = document.getElementById("sessions").dataset;
    const { data } = await get(`${api}/${session.id}/timeline${across ? `?tenant_id=${session.tenant.id}` : ""}`);
    document.getElementById("timeline-title").textContent = `${session.email} on ${session.device || "an unknown device"}`;
    document.getElementById("timeline-lines").replaceChildren(...data.map(line));
    document.getElementById("timeline-dialog").showModal();
  } catch (error) {
    notify(`The timeline could not be read: ${error.message}`, "danger");
  }
}

function line({ at, last_at: lastAt, what, times, object, ip, device, reason }) {
  const item = document.createElement("li");
  item.append(timeElement(at), ` · ${WORDS[what] ?? what}`);
  if (object) item.append(` ${object}`);
  if (times > 1) item.append(` ${times} times, lastly `, timeElement(lastAt));
  item.append(` · ${[device, ip && `from ${ip}`, reason?.replaceAll("_", " ")].filter(Boolean).join(", ")}`);
  return item;
}
