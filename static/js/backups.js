// Backups of organisations: what there is, what the steward is doing, asking for more.
import { get, post } from "./api.js";
import * as parcels from "./parcels.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const mayManage = Boolean(byId("backups").dataset.mayManage);
const TINTS = { done: "green", running: "blue", queued: "azure", failed: "red" };
const KINDS = { asked: "asked for", nightly: "by schedule", before_restore: "before a restore" };
const NONE_YET = `There is no backup yet. The first of an organisation is made when it is an hour old${mayManage ? "; you can make one now" : ""}.`;
const VERBS = { backup_tenant: "Backup", restore_backup: "Restore", drill_backup: "Drill", export_tenant: "Export", import_archive: "Import" };
const failed = new Map(); // what was tried → why it failed
let next = null;
let chosen = null;
let timer = 0;
let typing = 0;
let before = null;
let read = 0;

byId("backup-new")?.addEventListener("click", () => open("new"));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => more(null), 250);
});
byId("backups-more").addEventListener("click", () => more(next));
byId("backup-rows").addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) (button.dataset.act === "drill" ? drill : chooseRestore)(button.closest("tr").backup);
});
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
for (const radio of byId("restore-form").elements.where) radio.addEventListener("change", turn);
byId("new-form").addEventListener("submit", (event) => send(event, "new", async (fields) => {
  await post(`/api/v1/tenants/${await idOf(fields.tenant.trim())}/backups`, {});
}));
byId("restore-form").addEventListener("submit", (event) => send(event, "restore", async (fields) => {
  const beside = fields.where === "beside";
  await post(`${path(chosen)}/restore`, beside ? { slug: fields.slug.trim() } : { confirm: fields.confirm.trim() });
}));
document.addEventListener("visibilitychange", () => !document.hidden && watch());
parcels.begin({ idOf, asked: lookNow });
for (const field of document.querySelectorAll("[list=slugs]")) for (const kind of ["focus", "input"]) field.addEventListener(kind, offer);
await Promise.all([more(null), watch(), parcels.show()]);

/** The id behind a short name. */
async function idOf(slug) {
  for (let page = await offered(slug); ; page = await offered(slug, page.next)) {
    const found = page.data.find((one) => one.slug === slug);
    if (found) return found.id;
    if (!page.next) throw new Error("There is no organisation by this short name.");
  }
}

function offered(part, after = "") {
  return get(`/api/v1/tenants?limit=100&q=${encodeURIComponent(part)}&after=${after}`);
}

/** The short names that a field offers: those that fit what is typed, since there may be thousands. */
function offer(event) {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const found = await offered(event.target.value.trim()).catch(() => ({ data: [] }));
    byId("slugs").replaceChildren(...found.data.slice(0, 20).map((one) => Object.assign(document.createElement("option"), { value: one.slug })));
  }, 200);
}

async function more(after) {
  const mine = ++read;
  await tried(async function list() {
    const sought = byId("filters").elements.q.value.trim();
    const page = await get(`/api/v1/backups?limit=50&q=${encodeURIComponent(sought)}${after ? `&after=${after}` : ""}`);
    if (mine !== read) return; // somebody typed on meanwhile: this answer is of the words before
    const rows = page.data.map(line);
    if (after) byId("backup-rows").append(...rows);
    else byId("backup-rows").replaceChildren(...rows);
    next = page.next;
    byId("backups-footer").hidden = !next;
    byId("backups-note").textContent = byId("backup-rows").childElementCount ? "" : sought ? "No backup fits." : NONE_YET;
    byId("backups-note").hidden = !byId("backups-note").textContent;
  });
}

/** Something was asked for just now: the list is read anew at the next look, however fast it was done. */
function lookNow() {
  before = "";
  return watch();
}

async function watch() {
  clearTimeout(timer);
  if (document.hidden) return;
  let busy = false, changed = false;
  await tried(async function look() {
    const [{ data }, { data: left }] = await Promise.all([get("/api/v1/backup-requests"), get("/api/v1/backup-requests/waiting")]);
    byId("asked-waiting").textContent = left.queued ? `${left.queued.toLocaleString("en")} wait` : "";
    busy = data.some((one) => one.state === "queued" || one.state === "running");
    byId("asked").hidden = !data.length;
    byId("asked-rows").replaceChildren(...data.slice(0, 6).map(asked));
    const now = data.map((one) => one.id + one.state).join();
    changed = before !== null && before !== now;
    before = now;
  });
  if (changed) await Promise.all([more(null), parcels.show()]);
  timer = setTimeout(watch, busy ? 1000 : 10_000);
}

function line(one) {
  const row = byId("backup-piece").content.cloneNode(true).querySelector("tr");
  row.backup = one;
  row.querySelector(".backup-slug").textContent = one.slug;
  link(row);
  row.querySelector(".backup-kind").textContent = KINDS[one.kind] ?? one.kind;
  row.querySelector(".backup-made").append(timeElement(one.created_at));
  badge(row.querySelector(".backup-state"), one.state);
  row.querySelector(".backup-error").textContent = one.error ?? "";
  row.querySelector(".backup-size").textContent = one.size === null ? "" : parcels.bytes(one.size);
  drillCell(row.querySelector(".backup-drill"), one);
  for (const button of row.querySelectorAll("[data-act]")) {
    button.hidden = !mayManage || one.state !== "done";
    button.setAttribute("aria-label", `${button.textContent} the backup of ${one.slug}`);
  }
  return row;
}

/** A row leads to its organisation, if that is still there. */
function link(row) {
  if (row.backup.tenant_there) row.querySelector(".backup-slug").href = `/platform/tenants/${row.backup.tenant_id}`;
}

function drillCell(cell, one) {
  if (!one.drill_at) return cell.append("not tried yet");
  const mark = document.createElement("span");
  mark.className = `badge bg-${one.drill_ok ? "green" : "red"}-lt`;
  mark.textContent = one.drill_ok ? "can be restored" : "failed";
  mark.title = one.drill_says ?? "";
  cell.append(mark, " ", timeElement(one.drill_at));
}

function asked(one) {
  const row = byId("asked-piece").content.cloneNode(true).querySelector("li");
  row.querySelector(".asked-what").textContent = `${VERBS[one.operation] ?? one.operation} of ${one.tenant_slug ?? "an organisation"}${one.slug ? ` as ${one.slug}` : ""}`;
  badge(row.querySelector(".asked-state"), one.state);
  row.querySelector(".asked-when").append(timeElement(one.created_at), one.asked_by ? ` by ${one.asked_by}` : "");
  const bar = row.querySelector("progress");
  bar.hidden = one.state !== "running";
  bar.setAttribute("aria-label", "How far it is");
  if (one.total) Object.assign(bar, { max: one.total, value: one.done });
  const says = row.querySelector(".asked-says");
  says.textContent = one.error ?? "";
  says.hidden = !one.error;
  return row;
}

function badge(element, state) {
  element.className = `${element.className} bg-${TINTS[state] ?? "secondary"}-lt`;
  element.textContent = state;
}

async function drill(one) {
  await tried(async function drilling() { await post(`${path(one)}/drill`, {}); });
  await lookNow();
}

function chooseRestore(one) {
  chosen = one;
  byId("restore-title").textContent = `Restore ${one.slug}?`;
  byId("restore-form").reset();
  byId("restore-form").elements.slug.value = `${one.slug}-copy`.slice(0, 40);
  turn();
  open("restore");
}

function turn() {
  const beside = byId("restore-form").elements.where.value === "beside";
  byId("beside-part").hidden = !beside;
  byId("place-part").hidden = beside;
  byId("restore-form").elements.slug.required = beside;
  byId("restore-form").elements.slug.disabled = !beside;
  byId("restore-form").elements.confirm.required = !beside;
}

function open(name) {
  byId(`${name}-error`).hidden = true;
  byId(`${name}-dialog`).showModal();
}

async function send(event, name, action) {
  event.preventDefault();
  try {
    await action(Object.fromEntries(new FormData(event.target)));
    byId(`${name}-dialog`).close();
    await lookNow();
  } catch (error) {
    byId(`${name}-error`).textContent = error.message;
    byId(`${name}-error`).hidden = false;
  }
}

/** What fails is shown until the same succeeds: another action's success says nothing about it. */
async function tried(action) {
  try {
    await action();
    failed.delete(action.name);
  } catch (error) {
    failed.set(action.name, error.message);
  }
  byId("backups-error").textContent = [...new Set(failed.values())].join(" ");
  byId("backups-error").hidden = !failed.size;
}

function path(one) {
  return `/api/v1/tenants/${one.tenant_id}/backups/${one.id}`;
}
