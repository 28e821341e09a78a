// How long people stay signed in: hours and minutes on the page, seconds in the API.
import { patch } from "./api.js";
import { watchLive } from "./live-stats.js";
import { notify } from "./notices.js";

const byId = (id) => document.getElementById(id);

watchLive({});
byId("policy-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const number = (name) => Number(byId(`field-${name}`).value);
  const body = {
    session_idle_seconds: Math.round(number("idle") * 60), session_absolute_seconds: Math.round(number("absolute") * 3600),
    remember_days: number("remember"), session_max_concurrent: number("most") || null,
  };
  try {
    await patch("/api/v1/settings/sessions", body);
    byId("policy-error").hidden = true;
    notify("Saved. It holds for everybody from now on.");
  } catch (error) {
    byId("policy-error").textContent = `Nothing was changed: ${error.message}`;
    byId("policy-error").hidden = false;
  }
});
