// One organisation: its name and notes, its state, another administrator, its deletion in two steps.
import { showReceipt } from "./admin-receipt.js";
import { patch, post } from "./api.js";
import { ask } from "./dialogs.js";
import { watchLive } from "./live-stats.js";
import { notifyNext } from "./notices.js";
import { question } from "./platform-words.js";

const byId = (id) => document.getElementById(id);
const tenant = byId("tenant").dataset;
const path = `/api/v1/tenants/${tenant.id}`;
const STEPS = {
  request: {
    title: `Delete ${tenant.name} (${tenant.slug})?`, action: "Close it and ask for its deletion",
    text: "It closes at once: everybody there is signed out. Nothing is destroyed before it is confirmed once more, and until then you can take it back.",
  },
  confirm: {
    title: `Delete ${tenant.name} (${tenant.slug}) for ever?`, action: "Delete for ever",
    text: "Its keys, people, chats, files and logs are destroyed. Nothing brings them back, no backup either.",
  },
};
let step = null;

watchLive({});
for (const button of document.querySelectorAll("[data-turn]")) button.addEventListener("click", () => turn(button.dataset.turn));
for (const button of document.querySelectorAll("[data-delete]")) button.addEventListener("click", () => openDialog(button.dataset.delete));
byId("delete-cancel").addEventListener("click", () => byId("delete-dialog").close());
byId("delete-form").addEventListener("submit", remove);
byId("deletion-cancel")?.addEventListener("click", () => tried(async () => {
  await post(`${path}/delete/cancel`);
  notifyNext("The deletion is taken back. The organisation stays closed until you resume it.");
  location.reload();
}));
byId("rename-form")?.addEventListener("submit", (event) => send(event, async (fields) => {
  await patch(path, fields);
  notifyNext("Saved.");
  location.reload();
}));
byId("admin-form")?.addEventListener("submit", (event) => send(event, async (fields) => {
  const { data } = await post(`${path}/admins`, fields);
  byId("new-admin-text").textContent = data.mailed ? `An invitation is on its way to ${data.email}.`
    : data.link ? `Hand this link to ${data.email}. It is shown only now and works once:` : "The password, shown only once:";
  byId("secret").textContent = data.link ?? data.password ?? "";
  byId("secret").parentElement.hidden = Boolean(data.mailed);
  byId("new-admin").hidden = false;
}));
showWhatWasTold();

async function turn(verb) {
  if (!(await ask(question(verb, `${tenant.name} (${tenant.slug})`)))) return;
  await tried(async () => {
    const { data } = await post(`${path}/${verb}`);
    if (data.revocation && verb !== "resume") sessionStorage.setItem("receipt", JSON.stringify({ id: tenant.id, revocation: data.revocation }));
    notifyNext(`${tenant.name} is ${{ suspend: "suspended", archive: "archived", resume: "active again" }[verb]}.`);
    location.reload();
  });
}

/** After the page has come again: which processes have closed the organisation, and how fast. */
async function showWhatWasTold() {
  const told = JSON.parse(sessionStorage.getItem("receipt") ?? "null");
  sessionStorage.removeItem("receipt");
  if (told?.id !== tenant.id) return;
  const shown = showReceipt({ ended: 0, revocations: [told.revocation] });
  byId("receipt-title").textContent = "It is closed.";
  await shown;
}

function openDialog(which) {
  step = which;
  byId("delete-form").reset();
  byId("delete-title").textContent = STEPS[which].title;
  byId("delete-text").textContent = STEPS[which].text;
  byId("delete-ok").textContent = STEPS[which].action;
  byId("delete-reason-row").hidden = which === "confirm";
  byId("delete-error").hidden = true;
  byId("delete-dialog").showModal();
}

async function remove(event) {
  event.preventDefault();
  const slug = byId("field-typed").value.trim();
  const sent = step === "confirm" ? { slug, deletion_id: tenant.deletion } : { slug, reason: byId("field-reason").value };
  byId("delete-ok").disabled = true;
  try {
    const { data } = await post(`${path}/delete`, sent);
    if (step === "confirm") location.assign(`/platform/deletions/${data.id}`);
    else location.reload();
  } catch (error) {
    byId("delete-error").textContent = error.message;
    byId("delete-error").hidden = false;
  }
  byId("delete-ok").disabled = false;
}

async function send(event, action) {
  event.preventDefault();
  await tried(() => action(Object.fromEntries(new FormData(event.target))));
}

async function tried(action) {
  byId("tenant-error").hidden = true;
  try {
    await action();
  } catch (error) {
    byId("tenant-error").textContent = `Nothing was changed: ${error.message}`;
    byId("tenant-error").hidden = false;
  }
}
