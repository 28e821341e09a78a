// Single sign-on: its set-up by administrators, and connecting one's own account.
import { post, put, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";

const byId = (id) => document.getElementById(id);

byId("sso-form")?.addEventListener("submit", save);
byId("sso-remove")?.addEventListener("click", forget);
byId("sso-link")?.addEventListener("click", connect);

async function save(event) {
  event.preventDefault();
  const form = event.target;
  const values = new FormData(form);
  const wrong = form.querySelector("[data-form-error]");
  const body = {
    issuer: values.get("issuer").trim(), client_id: values.get("client_id").trim(),
    domains: values.get("domains").split(/[\s,;]+/).filter(Boolean),
    create_people: values.has("create_people"), enabled: values.has("enabled"),
  };
  if (values.get("client_secret")) body.client_secret = values.get("client_secret");
  try {
    await put("/api/v1/sso", body);
    wrong.hidden = true;
    form.elements.client_secret.value = "";
    notify("Single sign-on is set up.");
  } catch (error) {
    wrong.textContent = error.message;
    wrong.hidden = false;
  }
}

async function forget() {
  const yes = await ask({ title: "Remove single sign-on?", action: "Remove it", danger: true, text: "People without a password cannot sign in any more." });
  if (!yes) return;
  try {
    await remove("/api/v1/sso");
    location.reload();
  } catch (error) {
    notify(`It was not removed: ${error.message}`, "danger");
  }
}

async function connect() {
  try {
    const { data } = await post("/api/v1/auth/sso/link");
    location.assign(data.location);
  } catch (error) {
    byId("sso-error").textContent = error.message;
    byId("sso-error").hidden = false;
  }
}
