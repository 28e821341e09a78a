// From one organisation to another without signing out.
import { post } from "./api.js";
import { safePath } from "./paths.js";

const error = document.getElementById("organisations-error");

for (const button of document.querySelectorAll("[data-switch]")) {
  button.addEventListener("click", () => go(() => post("/api/v1/auth/switch", { tenant_id: button.dataset.switch }), "landing"));
}
document.getElementById("organisation-add").addEventListener("click", () => go(() => post("/api/v1/auth/organisations"), "next"));

async function go(ask, where) {
  try {
    const { data } = await ask();
    location.assign(safePath(data[where], location.origin) ?? (where === "next" ? "/login" : "/"));
  } catch (refused) {
    error.textContent = refused.message;
    error.hidden = false;
  }
}
