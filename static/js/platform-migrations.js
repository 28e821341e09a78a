// The ledger of migrations: who is behind, who failed and why, and trying again.
import { get, post } from "./api.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const WORDS = { current: "at this version", behind: "behind", failed: "failed", unfinished: "not fully created" };
const TINTS = { current: "green", behind: "azure", failed: "red", unfinished: "orange" };
const EAGER = 1000;
const CALM = 15_000;
const may = Boolean(byId("migrations").dataset.mayManage);
let next = null;
let typing = 0;
let timer = 0;
let wasBusy = false;
let asked = 0;

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => list(), 250);
});
byId("migrations-more").addEventListener("click", () => list(next));
byId("migrate-all")?.addEventListener("click", () => run({}, "Every organisation that is behind is migrated now."));
document.addEventListener("visibilitychange", () => !document.hidden && look());
await Promise.all([list(), look()]);

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  let busy = wasBusy;
  try {
    const { data } = await get("/api/v1/migrations/summary");
    busy = ["queued", "running"].includes(data.request?.state);
    summary(data, busy);
    if (busy || wasBusy) await list();
    wasBusy = busy;
  } catch (error) {
    fail(`The state of migrations is not known: ${error.message}`);
  }
  timer = setTimeout(look, busy ? EAGER : CALM);
}

function summary(data, busy) {
  const current = data.tenants - data.behind;
  const parts = [`${current.toLocaleString("en")} of ${data.tenants.toLocaleString("en")} organisations are at version ${data.version}.`];
  if (data.failed) parts.push(`${data.failed.toLocaleString("en")} failed.`);
  if (data.unfinished) parts.push(`${data.unfinished.toLocaleString("en")} not fully created: create again under the same short name to finish.`);
  byId("migrations-summary").textContent = parts.join(" ");
  byId("migrations-progress").max = Math.max(1, data.tenants);
  byId("migrations-progress").value = current;
  byId("migrations-request").textContent = request(data.request);
  if (byId("migrate-all")) byId("migrate-all").disabled = busy || !data.behind;
}

function request(asked) {
  if (!asked) return "Nobody has asked for a migration here; the command flask migrate does the same.";
  const what = asked.tenant_id ? "of one organisation" : "of all organisations";
  const words = { queued: "waits for the steward", running: "is running", done: "is done", failed: "ended with failures" };
  return `The last migration ${what} ${words[asked.state] ?? asked.state}.`;
}

async function list(after = null) {
  const mine = ++asked;
  const query = new URLSearchParams(new FormData(byId("filters")));
  if (after) query.set("after", after);
  const rows = byId("migration-rows");
  try {
    const answer = await get(`/api/v1/migrations?${query}`);
    if (mine !== asked) return; // somebody typed on meanwhile: this answer is of the words before
    const drawn = answer.data.map(draw);
    if (after) rows.append(...drawn);
    else rows.replaceChildren(...drawn);
    next = answer.next;
    byId("migrations-error").hidden = true;
  } catch (error) {
    fail(`The organisations could not be listed: ${error.message}`);
  }
  byId("migrations-footer").hidden = !next;
  const count = rows.children.length;
  byId("migrations-note").textContent = count ? `${count}${next ? " or more" : ""} organisation${count === 1 ? "" : "s"}` : "No organisation fits.";
}

function draw(one) {
  const row = byId("migration-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.state = one.state;
  row.querySelector(".who").href = `/platform/tenants/${one.id}`;
  row.querySelector(".who-name").textContent = one.name;
  row.querySelector(".who-mail").textContent = one.slug;
  row.querySelector(".migration-version").textContent = one.version ?? "none";
  const badge = row.querySelector(".migration-state");
  badge.textContent = one.state === "behind" ? `behind by ${one.missing}` : WORDS[one.state];
  badge.classList.add(`bg-${TINTS[one.state]}-lt`);
  row.querySelector(".migration-why").textContent = one.error ? `Script ${one.failed_version}: ${one.error}` : "";
  if (one.finished_at) row.querySelector(".migration-at").append(timeElement(one.finished_at));
  const button = row.querySelector("button");
  button.hidden = !may || !["behind", "failed"].includes(one.state);
  button.textContent = one.state === "failed" ? "Try again" : "Migrate";
  button.setAttribute("aria-label", `${button.textContent}: ${one.name}`);
  button.addEventListener("click", () => run({ tenant_id: one.id }, `${one.name} is migrated now.`));
  return row;
}

async function run(body, said) {
  try {
    await post("/api/v1/migrations/run", body);
    notify(said);
    wasBusy = true;
  } catch (error) {
    notify(`Not started: ${error.message}`, "danger");
  }
  await look();
}

function fail(text) {
  byId("migrations-error").textContent = text;
  byId("migrations-error").hidden = false;
}
