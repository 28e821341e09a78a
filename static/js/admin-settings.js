// Settings and limits of an organisation: each form sends what its fields name, and nothing else.
import { patch } from "./api.js";
import { tryModel } from "./model-test.js";
import { notify, notifyNext } from "./notices.js";

const GIGABYTE = 1e9;
const READ = {
  list: (text) => text.split(/[\s,;]+/).filter(Boolean),
  number: (text) => (text.trim() === "" ? null : Number(text)),
  gigabytes: (text) => (text.trim() === "" ? null : Math.round(Number(text) * GIGABYTE)),
  text: (text) => text.trim() || null,
  secret: (text) => text || undefined, // empty: the one that is there stays
};

for (const form of document.querySelectorAll("form[data-settings]")) form.addEventListener("submit", save);
document.getElementById("model-test")?.addEventListener("click", (event) => tryModel(event.target.closest("button"), document.getElementById("model-said"), said(document.getElementById("model-form"))));

/** What the fields of a form say, by the names of the settings. */
function said(form) {
  const fields = [...form.querySelectorAll("[data-kind]")];
  return Object.fromEntries(fields.map((field) => [field.name, READ[field.dataset.kind](field.value)]));
}

async function save(event) {
  event.preventDefault();
  const form = event.target;
  const wrong = form.querySelector("[data-form-error]");
  const button = form.querySelector('[type="submit"]');
  const tenant = form.dataset.tenant;
  wrong.hidden = true;
  button.disabled = true;
  try {
    if (tenant) {
      await patch(`/api/v1/tenants/${tenant}`, { settings: said(form) });
      notifyNext("Saved. It holds for everybody from now on.");
      return location.reload(); // the bars above the form measure against the new limits
    }
    show(form, (await patch("/api/v1/tenant/settings", said(form))).data);
    notify("Saved. It holds for everybody from now on.");
  } catch (error) {
    wrong.textContent = `Nothing was changed: ${error.message}`;
    wrong.hidden = false;
  }
  button.disabled = false;
}

/** Show lists as they were understood; a key that was stored is not shown. */
function show(form, settings) {
  for (const field of form.querySelectorAll("[data-kind]")) {
    if (field.dataset.kind === "list") field.value = settings[field.name].join("\n");
    if (field.dataset.kind === "secret") field.value = "";
  }
}
