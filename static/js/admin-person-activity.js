// What concerns a person's access, newest first, page by page.
import { get } from "./api.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
let next = null;

byId("activity-more").addEventListener("click", load);
await load();

async function load() {
  try {
    const after = next ? `?after=${encodeURIComponent(next)}` : "";
    const answer = await get(`/api/v1/users/${byId("person").dataset.id}/activity${after}`);
    byId("activity-lines").append(...answer.data.map(line));
    next = answer.next;
    byId("activity-more").hidden = !next;
    if (!byId("activity-lines").children.length) byId("activity-note").textContent = "Nothing has happened yet.";
  } catch (error) {
    byId("activity-note").textContent = `The activity could not be read: ${error.message}`;
  }
}

function line({ at, sentence, outcome, reason, ip }) {
  const item = document.createElement("li");
  item.className = "mb-2";
  const more = [outcome !== "success" && outcome, reason?.replaceAll("_", " "), ip && `from ${ip}`].filter(Boolean);
  item.append(timeElement(at), ` · ${sentence}${more.length ? ` (${more.join(", ")})` : ""}`);
  return item;
}
