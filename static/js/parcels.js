// Exports that can be fetched for some hours, and archives of other installations that were uploaded.
import { get, post } from "./api.js";
import { freshen } from "./step-up.js";
import { timeElement } from "./times.js";
import { sent } from "./upload.js";

const byId = (id) => document.getElementById(id);
const mayManage = Boolean(byId("backups").dataset.mayManage);
const TINTS = { ready: "green", done: "green", running: "blue", failed: "red" };
const WORDS = { ready: "ready", done: "imported", running: "being written", failed: "failed", gone: "removed" };
let page = null; // { idOf(slug), asked() }: what the page of backups lends
let chosen = null; // the uploaded archive that becomes an organisation

/** Begin to listen; `idOf` finds an organisation's id, `asked` is told when the steward was asked for something. */
export function begin(lent) {
  page = lent;
  byId("export-new")?.addEventListener("click", openExport);
  byId("import-new")?.addEventListener("click", () => openImport(null));
  byId("export-form").addEventListener("submit", (event) => tried(event, "export", exportIt));
  byId("import-form").addEventListener("submit", (event) => tried(event, "import", () => (chosen ? start() : upload())));
  byId("parcel-rows").addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act, parcel = event.target.closest("li")?.parcel;
    if (act === "download") download(parcel);
    if (act === "start") openImport(parcel);
  });
}

/** Show the list as it is now. */
export async function show() {
  try {
    const { data } = await get("/api/v1/parcels");
    byId("parcels").hidden = !data.length;
    byId("parcel-rows").replaceChildren(...data.map(line));
    fail("parcels", "");
  } catch (error) {
    byId("parcels").hidden = false;
    fail("parcels", error.message);
  }
}

/** A size in words. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${units[power]}`;
}

function line(one) {
  const row = byId("parcel-piece").content.cloneNode(true).querySelector("li");
  row.parcel = one;
  const size = one.size === null ? "" : `, ${bytes(one.size)}`;
  row.querySelector(".parcel-what").textContent = `${one.direction === "export" ? "Export of" : "Archive of"} ${one.slug || "an organisation"}${size}`;
  const state = row.querySelector(".parcel-state");
  state.classList.add(`bg-${TINTS[one.state] ?? "secondary"}-lt`);
  state.textContent = WORDS[one.state] ?? one.state;
  row.querySelector(".parcel-when").append(timeElement(one.created_at), one.created_by ? ` by ${one.created_by}` : "");
  row.querySelector("[data-act=download]").hidden = !mayManage || one.direction !== "export" || one.state !== "ready";
  row.querySelector("[data-act=start]").hidden = !mayManage || one.direction !== "import" || one.state !== "ready";
  const says = row.querySelector(".parcel-says");
  says.textContent = one.error ?? "";
  says.hidden = !one.error;
  return row;
}

async function download(one) {
  fail("parcels", "");
  if (!(await freshen())) return;
  location.assign(`/api/v1/exports/${one.id}/file`);
}

function openExport() {
  byId("export-form").reset();
  told("");
  fail("export", "");
  byId("export-dialog").showModal();
}

async function exportIt(fields) {
  const { data } = await post(`/api/v1/tenants/${await page.idOf(fields.exported.trim())}/exports`, {});
  told(data.passphrase);
  await page.asked();
}

function told(passphrase) {
  byId("export-ask").hidden = Boolean(passphrase);
  byId("export-form").elements.exported.required = !passphrase;
  byId("export-told").hidden = !passphrase;
  byId("export-passphrase").textContent = passphrase;
  byId("export-go").hidden = Boolean(passphrase);
  byId("export-close").textContent = passphrase ? "I have kept it" : "Cancel";
}

function openImport(parcel) {
  byId("import-form").reset();
  choose(parcel);
  fail("import", "");
  byId("import-dialog").showModal();
}

function choose(parcel) {
  chosen = parcel;
  const { elements } = byId("import-form");
  byId("import-file-part").hidden = Boolean(parcel);
  byId("import-start-part").hidden = !parcel;
  elements.import_slug.required = elements.passphrase.required = Boolean(parcel);
  byId("import-go").textContent = parcel ? "Import" : "Upload";
  if (!parcel) return;
  elements.import_slug.value = parcel.slug;
  const name = parcel.archive ? `${parcel.archive.name} (${parcel.archive.slug})` : parcel.slug;
  byId("import-about").textContent = `An export of ${name}. It becomes a new organisation; API keys in it are revoked, and nobody is signed in.`;
}

async function upload() {
  const file = byId("import-file").files[0];
  if (!file) throw new Error("Choose the file that was exported.");
  if (!(await freshen())) return;
  const bar = byId("import-progress");
  bar.hidden = false;
  bar.removeAttribute("value");
  try {
    choose(await sent("/api/v1/imports", file, (part) => (bar.value = part)));
  } finally {
    bar.hidden = true;
  }
  await show();
}

async function start() {
  const { elements } = byId("import-form");
  await post(`/api/v1/imports/${chosen.id}/start`, { slug: elements.import_slug.value.trim(), passphrase: elements.passphrase.value.trim() });
  byId("import-dialog").close();
  await page.asked();
}

async function tried(event, name, action) {
  event.preventDefault();
  fail(name, "");
  byId(`${name}-go`).disabled = true;
  try {
    await action(Object.fromEntries(new FormData(event.target)));
  } catch (error) {
    fail(name, error.message);
  }
  byId(`${name}-go`).disabled = false;
}

function fail(name, message) {
  byId(`${name}-error`).textContent = message;
  byId(`${name}-error`).hidden = !message;
}
