// Roles of the organisation's own: made, changed and deleted, with who gains and loses what before anything is saved.
import { patch, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { watchLive } from "./live-stats.js";
import { notifyNext } from "./notices.js";

const byId = (id) => document.getElementById(id);
const dialog = byId("role-dialog");
let edited = null;
let waiting = null;
let asked = 0;

watchLive({});
byId("role-new")?.addEventListener("click", () => open(null));
byId("role-cancel")?.addEventListener("click", () => dialog.close());
byId("role-form")?.addEventListener("submit", save);
byId("role-form")?.addEventListener("change", () => {
  byId("role-form-error").hidden = true;
  clearTimeout(waiting);
  waiting = setTimeout(preview, 150);
});
for (const button of document.querySelectorAll("[data-edit]")) button.addEventListener("click", () => open(JSON.parse(button.dataset.edit)));
for (const button of document.querySelectorAll("[data-delete]")) button.addEventListener("click", () => destroy(button.dataset));

function open(role) {
  edited = role;
  byId("role-title").textContent = role ? `Change ${role.name}` : "Make a role";
  byId("field-name").value = role?.name ?? "";
  byId("field-description").value = role?.description ?? "";
  for (const box of boxes()) box.checked = role?.permissions.includes(box.value) ?? false;
  byId("role-preview").hidden = byId("role-form-error").hidden = true;
  dialog.showModal();
}

function boxes() {
  return [...document.querySelectorAll('#role-form [name="permissions"]')];
}

function chosen() {
  return boxes().filter((box) => box.checked).map((box) => box.value);
}

async function preview() {
  const permissions = chosen(), mine = ++asked;
  try {
    const { data } = await post("/api/v1/roles/preview", { role_id: edited?.id ?? null, permissions });
    if (mine !== asked) return; // somebody ticked on meanwhile: this answer is of the boxes before
    byId("role-preview").textContent = edited ? told(data) : `Nobody holds this role before you give it to them. It allows: ${meanings(data.allows)}.`;
    byId("role-preview").hidden = !edited && !permissions.length;
  } catch (error) {
    if (mine === asked) fail(byId("role-form-error"), `The preview failed: ${error.message}`);
  }
}

/** Permissions in words, as they stand on this page beside each. */
function meanings(permissions) {
  const words = JSON.parse(byId("roles").dataset.meanings);
  return permissions.map((one) => `“${words[one] ?? one}”`).join(", ");
}

/** "1 person gains “Start such a job now” (ann@…); nobody loses anything." */
function told({ people, gain, lose, gains, loses }) {
  if (!people) return "Nobody holds this role: nobody gains or loses anything.";
  return `${side(gain, gains, "gains", "gain")}; ${side(lose, loses, "loses", "lose")}.`;
}

function side(count, found, one, many) {
  if (!count) return `nobody ${one} anything`;
  const what = meanings([...new Set(found.flatMap((person) => person.permissions))]);
  const who = found.slice(0, 5).map((person) => person.email).join(", ") + (count > 5 ? " and others" : "");
  const people = `${count} ${count === 1 ? "person" : "people"} ${count === 1 ? one : many}`;
  return found.length ? `${people} ${what} (${who})` : `${people} something`;
}

async function save(event) {
  event.preventDefault();
  const body = { name: byId("field-name").value, description: byId("field-description").value, permissions: chosen() };
  try {
    await (edited ? patch(`/api/v1/roles/${edited.id}`, body) : post("/api/v1/roles", body));
    notifyNext(`The role ${body.name} is saved${edited ? ", and in force on every open page" : ". Give it to people on their pages"}.`);
    location.reload();
  } catch (error) {
    fail(byId("role-form-error"), `Nothing was saved: ${error.message}`);
  }
}

async function destroy({ delete: id, name }) {
  try {
    const { data } = await post("/api/v1/roles/preview", { role_id: id });
    const text = `It cannot be undone. ${told(data)}`;
    if (!(await ask({ title: `Delete the role ${name}?`, action: "Delete", danger: true, text }))) return;
    await remove(`/api/v1/roles/${id}`);
    notifyNext(`The role ${name} is deleted.`);
    location.reload();
  } catch (error) {
    fail(byId("roles-error"), `Nothing was changed: ${error.message}`);
  }
}

function fail(place, text) {
  place.textContent = text;
  place.hidden = false;
}
