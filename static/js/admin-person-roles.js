// A role that ends by itself: given beside those that a person holds already.
import { put } from "./api.js";
import { exact } from "./times.js";

const byId = (id) => document.getElementById(id);
const form = byId("limited-form");
form?.elements.role.addEventListener("change", boundEnd);
if (form) boundEnd();

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const person = byId("person").dataset.id;
  const role = form.elements.role.value;
  const roles = [...new Set([...JSON.parse(form.dataset.roles), role])];
  const until = { ...JSON.parse(form.dataset.until), [role]: new Date(form.elements["limited-end"].value).toISOString() };
  try {
    await put(`/api/v1/users/${person}/roles`, { roles, until });
    location.replace(`/admin/people/edit/?id=${person}&saved=1`);
  } catch (error) {
    byId("person-error").textContent = `Nothing was changed: ${error.message}`;
    byId("person-error").hidden = false;
  }
});

/** Whoever holds something for a time gives it no longer than that: offer the latest end, and say why. */
function boundEnd() {
  const field = form.elements["limited-end"], note = byId("field-limited-end-note");
  note.dataset.words ??= note.textContent;
  const latest = JSON.parse(form.dataset.latest)[form.elements.role.value];
  field.max = latest ? inOwnZone(new Date(latest)) : "";
  if (latest && (!field.value || field.value > field.max)) field.value = field.max;
  note.textContent = note.dataset.words + (latest ? ` You hold this role until ${exact(latest)} yourself, so it ends then at the latest.` : "");
}

/** As a field of the type datetime-local wants it, to the minute. */
function inOwnZone(moment) {
  return new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
