// A role that ends by itself: given beside those that a person holds already.
import { put } from "./api.js";

const byId = (id) => document.getElementById(id);

byId("limited-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
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
