// One organisation: its name, its state, another administrator.
import { patch, post } from "./api.js";
import { ask } from "./dialogs.js";
import { watchLive } from "./live-stats.js";

const byId = (id) => document.getElementById(id);
const tenant = byId("tenant").dataset;
const path = `/api/v1/tenants/${tenant.id}`;
const WORDS = {
  suspend: { title: `Suspend ${tenant.name}?`, action: "Suspend", danger: true, text: "Everybody there is signed out at once and cannot sign in until you resume it. Nothing is lost." },
  resume: { title: `Resume ${tenant.name}?`, action: "Resume", text: "Its people can sign in again." },
};

watchLive({});
for (const button of document.querySelectorAll("[data-turn]")) button.addEventListener("click", () => turn(button.dataset.turn));
byId("rename-form")?.addEventListener("submit", (event) => send(event, async (fields) => {
  await patch(path, fields);
  location.reload();
}));
byId("admin-form")?.addEventListener("submit", (event) => send(event, async (fields) => {
  const { data } = await post(`${path}/admins`, fields);
  byId("secret").textContent = data.password;
  byId("new-password").hidden = false;
}));

async function turn(verb) {
  if (!(await ask(WORDS[verb]))) return;
  await tried(async () => {
    await post(`${path}/${verb}`);
    location.reload();
  });
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
    byId("tenant-error").textContent = `Nothing was changed: ${[error.message, ...Object.values(error.fields ?? {})].join(" ")}`;
    byId("tenant-error").hidden = false;
  }
}
