// What one login session did: sign-in, renewals, from where it was used, its end. Never what for.
import { get } from "./api.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const WORDS = {
  "session.created": "Signed in", "session.rotated": "Renewed", "session.ended": "Signed out",
  "session.revoked": "Ended", "session.expired": "Ran out", requests: "Used", sockets: "Live connection used",
};

export async function showTimeline(session) {
  try {
    const { data } = await get(`/api/v1/live-sessions/${session.id}/timeline`);
    document.getElementById("timeline-title").textContent = `${session.email} on ${session.device || "an unknown device"}`;
    document.getElementById("timeline-lines").replaceChildren(...data.map(line));
    document.getElementById("timeline-dialog").showModal();
  } catch (error) {
    notify(`The timeline could not be read: ${error.message}`, "danger");
  }
}

function line({ at, last_at: lastAt, what, times, ip, device, reason }) {
  const item = document.createElement("li");
  item.append(timeElement(at), ` · ${WORDS[what] ?? what}`);
  if (times > 1) item.append(` ${times} times, lastly `, timeElement(lastAt));
  item.append(` · ${[device, ip && `from ${ip}`, reason?.replaceAll("_", " ")].filter(Boolean).join(", ")}`);
  return item;
}
