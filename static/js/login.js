// Signing in; why the last session ended is said by the server.
import { post } from "./api.js";
import { safePath } from "./paths.js";

const byId = (id) => document.getElementById(id);
const address = new URLSearchParams(location.search);

byId("login-form").addEventListener("submit", submit);
byId("login-show").addEventListener("click", showPassword);

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  const values = Object.fromEntries(new FormData(form));
  if (!values.email.trim() || !values.password) return fail("Enter your e-mail and your password.", values.email.trim() ? "password" : "email");
  const button = byId("login-submit");
  button.disabled = true;
  fail("");
  try {
    const answer = await post("/api/v1/auth/login", bodyOf(values), { stayOn401: true });
    const data = answer?.data ?? answer ?? {};
    location.assign(safePath(address.get("next"), location.origin) ?? safePath(data.landing, location.origin) ?? "/");
  } catch (error) {
    button.disabled = false;
    if (error.fields?.tenant || error.code?.includes("tenant")) byId("login-tenant-part").open = true;
    fail(error.message, "password");
  }
}

function bodyOf({ email, password, tenant, remember }) {
  const body = { email: email.trim(), password };
  if (tenant?.trim()) body.tenant = tenant.trim().toLowerCase();
  if (remember) body.remember = true;
  return body;
}

function fail(message, focus) {
  const alert = byId("login-error");
  alert.textContent = message;
  alert.hidden = !message;
  if (focus) byId(`login-${focus}`).focus();
}

function showPassword() {
  const box = byId("login-password");
  const shown = box.type === "text";
  box.type = shown ? "password" : "text";
  byId("login-show").setAttribute("aria-pressed", String(!shown));
}
