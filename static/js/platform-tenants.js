// The platform's organisations: list, create, suspend, resume.
import { get, post } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { bytes, number, question } from "./platform-words.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const place = byId("tenants");
const rows = byId("tenant-rows");
let next = null;
let waiting = null;
let asked = 0;

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => load(), 250);
});
byId("tenants-more").addEventListener("click", () => load(next));
byId("tenant-new")?.addEventListener("click", () => byId("tenant-dialog").showModal());
byId("tenant-cancel").addEventListener("click", () => byId("tenant-dialog").close());
byId("field-name").addEventListener("input", suggestSlug);
byId("tenant-form").addEventListener("submit", create);
byId("tenant-form").addEventListener("input", () => { byId("tenant-form-error").hidden = true; });
await load();

async function load(after = null) {
  const mine = ++asked;
  const query = new URLSearchParams(new FormData(byId("filters")));
  if (after) query.set("after", after);
  try {
    const answer = await get(`/api/v1/tenants?${query}`);
    if (mine !== asked) return; // somebody typed on meanwhile: this answer is of the words before
    const drawn = answer.data.map(draw);
    if (after) rows.append(...drawn);
    else rows.replaceChildren(...drawn);
    next = answer.next;
    byId("tenants-error").hidden = true;
  } catch (error) {
    fail(`The organisations could not be listed: ${error.message}`);
  }
  byId("tenants-footer").hidden = !next;
  const count = rows.children.length;
  byId("tenants-note").textContent = count ? `${count}${next ? " or more" : ""} organisation${count === 1 ? "" : "s"}` : "No organisation fits.";
}

function draw(tenant) {
  const row = byId("tenant-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.tenantId = tenant.id;
  row.querySelector(".who").href = `/platform/tenants/${tenant.id}`;
  row.querySelector(".who-name").textContent = tenant.name;
  row.querySelector(".who-mail").textContent = tenant.slug;
  const badge = row.querySelector(".tenant-status");
  badge.textContent = tenant.status;
  badge.classList.add({ active: "bg-green-lt", suspended: "bg-orange-lt", archived: "bg-orange-lt", deleting: "bg-red-lt" }[tenant.status] ?? "bg-azure-lt");
  row.querySelector(".tenant-people").textContent = number(tenant.people);
  row.querySelector(".tenant-live").textContent = number(tenant.live_sessions);
  row.querySelector(".tenant-stored").textContent = bytes(tenant.database_bytes);
  row.querySelector(".tenant-week").textContent = number(tenant.messages_week);
  row.querySelector(".tenant-used").textContent = tenant.last_active ? new Date(`${tenant.last_active}T12:00`).toLocaleDateString() : "–";
  row.querySelector(".tenant-since").append(timeElement(tenant.created_at));
  offerTurning(row.querySelector("button"), tenant);
  return row;
}

function offerTurning(button, tenant) {
  const verb = tenant.status === "active" ? "suspend" : "resume";
  button.hidden = !place.dataset.mayManage || tenant.slug === "platform" || !["active", "suspended", "archived"].includes(tenant.status);
  button.textContent = verb === "resume" ? "Resume" : "Suspend";
  button.setAttribute("aria-label", `${button.textContent} ${tenant.name}`);
  button.addEventListener("click", () => turn(tenant, verb));
}

async function turn(tenant, verb) {
  if (!(await ask(question(verb, `${tenant.name} (${tenant.slug})`)))) return;
  try {
    await post(`/api/v1/tenants/${tenant.id}/${verb}`);
    notify(verb === "suspend" ? `${tenant.name} is suspended.` : `${tenant.name} is active again.`);
  } catch (error) {
    fail(`Nothing was changed: ${error.message}`);
  }
  await load();
}

async function create(event) {
  event.preventDefault();
  const button = byId("tenant-create");
  button.disabled = true;
  byId("tenant-form-error").hidden = true;
  try {
    const { data } = await post("/api/v1/tenants", Object.fromEntries(new FormData(event.target)));
    byId("tenant-dialog").close();
    event.target.reset();
    delete byId("field-slug").dataset.typed;
    if (data.admin.mailed) notify(`${data.name} is ready. An invitation is on its way to ${data.admin.email}.`);
    else showLink(data);
    await load();
  } catch (error) {
    byId("tenant-form-error").textContent = error.message;
    byId("tenant-form-error").hidden = false;
  } finally {
    button.disabled = false;
  }
}

function showLink({ name, admin }) {
  byId("secret-title").textContent = `${name} is ready`;
  byId("secret-text").textContent = `Hand this link to ${admin.email}: with it they choose their password and run it. It is shown only now, and works once within seven days.`;
  byId("secret").textContent = admin.link;
  byId("secret-dialog").showModal();
}

function suggestSlug(event) {
  const slug = byId("field-slug");
  if (slug.value && slug.value !== slug.dataset.typed) return;
  slug.value = event.target.value.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 40);
  slug.dataset.typed = slug.value;
}

function fail(text) {
  byId("tenants-error").textContent = text;
  byId("tenants-error").hidden = false;
}
