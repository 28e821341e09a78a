// API keys: one's own with making them, and everybody's for administrators.
import { get, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const everybody = "everybody" in byId("keys-table").dataset;
const path = everybody ? "/api/v1/tenant/api-keys" : "/api/v1/api-keys";
const rows = byId("keys-table").querySelector("tbody");
let next = null;

byId("key-form")?.addEventListener("submit", create);
byId("keys-more")?.addEventListener("click", () => load(next));
await load();

async function load(after = null) {
  try {
    const answer = await get(after ? `${path}?after=${encodeURIComponent(after)}` : path);
    if (!after) rows.replaceChildren();
    rows.append(...answer.data.map(draw));
    next = answer.next ?? null;
    byId("keys-table").hidden = !rows.children.length;
    byId("keys-note").textContent = rows.children.length ? "" : everybody ? "Nobody has an API key yet. People make their own under Settings, API keys; those that they make stand here, and you can revoke them." : "You have no keys yet: the form above makes one.";
    if (byId("keys-more")) byId("keys-more").hidden = !next;
    byId("keys-error").hidden = true;
  } catch (error) {
    byId("keys-error").textContent = `The keys could not be listed: ${error.message}`;
    byId("keys-error").hidden = false;
    byId("keys-note").textContent = "";
  }
}

function draw(key) {
  const row = byId("key-piece").content.cloneNode(true).querySelector("tr");
  if (everybody) row.querySelector(".key-person").textContent = key.display_name || key.email;
  row.querySelector(".key-name").textContent = key.name;
  row.querySelector(".key-scopes").textContent = key.permissions.join(", ");
  row.querySelector(".key-created").append(timeElement(key.created_at));
  row.querySelector(".key-used").append(key.last_used_at ? timeElement(key.last_used_at) : "never");
  row.querySelector(".key-expires").append(key.revoked_at && new Date(key.expires_at) > Date.now() ? "revoked" : timeElement(key.expires_at));
  const button = row.querySelector("button");
  button.hidden = Boolean(key.revoked_at);
  button.setAttribute("aria-label", `Revoke the key ${key.name}`);
  button.addEventListener("click", () => revoke(key));
  return row;
}

async function create(event) {
  event.preventDefault();
  const form = event.target;
  const values = new FormData(form);
  const wrong = form.querySelector("[data-form-error]");
  try {
    const { data } = await post("/api/v1/api-keys", {
      name: values.get("name").trim(), permissions: values.getAll("permissions"), expires_in_days: Number(values.get("expires_in_days")),
    });
    wrong.hidden = true;
    form.reset();
    byId("key-secret").textContent = data.key;
    byId("key-shown").hidden = false;
    await load();
  } catch (error) {
    wrong.textContent = values.getAll("permissions").length ? error.message : "Choose at least one thing that the key may do.";
    wrong.hidden = false;
  }
}

async function revoke(key) {
  const yes = await ask({ title: "Revoke this key?", action: "Revoke it", danger: true, text: `Programs that use “${key.name}” stop working at once.` });
  if (!yes) return;
  try {
    await remove(`${path}/${key.id}`);
    notify("The key is revoked.");
  } catch (error) {
    notify(`The key was not revoked: ${error.message}`, "danger");
  }
  await load();
}
