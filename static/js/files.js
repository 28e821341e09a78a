// The person's own files: list, add, read, download, delete.
import { get, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";
import { upload, whyNot } from "./upload.js";

const byId = (id) => document.getElementById(id);
const rows = byId("files-table").querySelector("tbody");
let next = null;

if (byId("drop")) watchAdding();
byId("files-more").addEventListener("click", () => load(next));
rows.addEventListener("click", clicked);
await load();
openFromAddress();

async function load(cursor = null) {
  try {
    const answer = await get(`/api/v1/files?limit=50${cursor ? `&after=${encodeURIComponent(cursor)}` : ""}`);
    if (!cursor) rows.replaceChildren();
    rows.append(...answer.data.map(draw));
    next = answer.next ?? null;
    byId("files-error").hidden = true;
  } catch (error) {
    byId("files-error").textContent = `Your files could not be listed: ${error.message}`;
    byId("files-error").hidden = false;
  }
  showEmptiness();
}

function draw(file) {
  const row = byId("file-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.fileId = file.id;
  row.dataset.name = file.name;
  row.querySelector(".file-name").textContent = file.name;
  row.querySelector(".file-size").textContent = sizeWords(file.size);
  row.querySelector(".file-type").textContent = file.media_type;
  row.querySelector(".file-time").append(timeElement(file.created_at));
  const link = row.querySelector('[data-act="download"]');
  link.href = `${contentPath(file.id)}?download=1`;
  link.setAttribute("aria-label", `Download ${file.name}`);
  row.querySelector('[data-act="delete"]').setAttribute("aria-label", `Delete ${file.name}`);
  return row;
}

function clicked(event) {
  const row = event.target.closest("tr");
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act === "view") view(row.dataset.fileId, row.dataset.name);
  else if (act === "delete") deleteFile(row);
}

async function view(id, name) {
  try {
    const answer = await fetch(contentPath(id), { credentials: "same-origin" });
    if (!answer.ok) return notify(answer.status === 404 ? "There is no such file any more." : `The server answered ${answer.status}.`, "danger");
    byId("file-view-text").textContent = await answer.text();
  } catch {
    return notify("Onyx cannot be reached right now.", "danger");
  }
  byId("file-view-name").textContent = name;
  byId("file-view-download").href = `${contentPath(id)}?download=1`;
  byId("file-view").showModal();
}

async function deleteFile(row) {
  const yes = await ask({ title: `Delete “${row.dataset.name}”?`, action: "Delete", danger: true,
    text: "New answers will no longer quote it. This cannot be undone." });
  if (!yes) return;
  try {
    await remove(`/api/v1/files/${row.dataset.fileId}`);
    row.remove();
    showEmptiness();
  } catch (error) {
    notify(`The file was not deleted: ${error.message}`, "danger");
  }
}

async function addAll(files) {
  for (const file of files) await add(file);
  await load();
}

async function add(file) {
  const item = document.createElement("li");
  const words = document.createElement("span");
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Uploading ${file.name}`);
  item.append(Object.assign(document.createElement("span"), { textContent: file.name }), words, bar);
  byId("uploads").append(item);
  try {
    const refusal = whyNot(file);
    if (refusal) throw new Error(refusal);
    await upload(file, (part) => {
      bar.value = part;
      words.textContent = part < 1 ? `${Math.round(part * 100)} %` : "being read…";
    });
    item.remove();
    notify(`${file.name} was added.`);
  } catch (error) {
    item.dataset.state = "failed";
    words.textContent = error.message;
    bar.remove();
  }
}

/** Only for people who may add files; the others have no such part on the page. */
function watchAdding() {
  byId("upload").addEventListener("change", (event) => {
    addAll([...event.target.files]);
    event.target.value = "";
  });
  watchDrops(byId("drop"));
}

function watchDrops(zone) {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    addAll([...event.dataTransfer.files]);
  });
}

/** /files?open=<id> comes from a citation. */
async function openFromAddress() {
  const id = new URLSearchParams(location.search).get("open");
  if (!id) return;
  try {
    const { data } = await get(`/api/v1/files/${encodeURIComponent(id)}`);
    view(id, data.name);
  } catch (error) {
    notify(error.status === 404 ? "This file has been deleted since it was quoted." : error.message, "danger");
  }
}

function showEmptiness() {
  const empty = !rows.children.length;
  byId("files-table").hidden = empty;
  byId("files-empty").hidden = !empty || !byId("files-error").hidden;
  byId("files-more").hidden = !next;
}

function contentPath(id) {
  return `/api/v1/files/${encodeURIComponent(id)}/content`;
}

function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
