// Months of the access log that were archived and dropped, with their signed manifests; and for how long it is kept.
import { get } from "./api.js";

const PATH = "/api/v1/access-log";
const note = document.getElementById("archives-note");
const list = document.getElementById("archives-list");
const more = document.getElementById("archives-more");
let next = null;

more.addEventListener("click", load);
await load();

async function load() {
  try {
    const { data, next: following } = await get(`${PATH}/archives${next ? `?after=${encodeURIComponent(next)}` : ""}`);
    list.append(...data.map(row));
    next = following;
    more.hidden = !next;
    note.textContent = `${await rules()} ${list.children.length ? "Each month can be proved whole with its signed manifest; reading one is in the audit trail." : "No month has been archived yet."}`;
  } catch (error) {
    note.textContent = error.message;
  }
}

async function rules() {
  const { access_days: days, legal_hold: hold } = (await get(`${PATH}/retention`)).data;
  const kept = days ? `The access log is kept for ${days} days; whole months beyond are archived and dropped.` : "The access log is kept without end.";
  return hold ? `${kept} A legal hold of ${new Date(hold.since).toLocaleDateString()} by ${hold.by} keeps everything.` : kept;
}

function row(archive) {
  const item = document.getElementById("archive-piece").content.cloneNode(true).querySelector("li");
  const path = `${PATH}/archives/${archive.id}`;
  item.querySelector("[data-month]").textContent = archive.month;
  item.querySelector("[data-lines]").textContent = `${archive.entries.toLocaleString()} lines, SHA-256 ${archive.sha256.slice(0, 16)}… `;
  item.querySelector("[data-manifest]").href = `${path}/manifest`;
  item.querySelector("[data-all]").href = `${path}/lines`;
  return item;
}
