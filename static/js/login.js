// Signing in; why the last session ended is said by the server.
import { post } from "./api.js";
import { askForFactor } from "./login-factor.js";
import { safePath } from "./paths.js";
import { available, sign } from "./webauthn.js";

const byId = (id) => document.getElementById(id);
const address = new URLSearchParams(location.search);

byId("login-form").addEventListener("submit", submit);
byId("login-show").addEventListener("click", showPassword);
byId("login-tenant").addEventListener("input", offerItsOwn);
if (address.get("organisation")) {
  byId("login-tenant").value = address.get("organisation");
  byId("login-tenant-part").open = true;
}
offerItsOwn();
byId("login-passkey").addEventListener("click", withPasskey);
byId("login-passkey").hidden = !available();

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
    if (!data.mfa_required) return enter(data);
    button.disabled = false;
    askForFactor(data, enter, startAgain);
  } catch (error) {
    button.disabled = false;
    if (error.fields?.tenant || error.code?.includes("tenant")) byId("login-tenant-part").open = true;
    fail(error.message, "password");
  }
}

/** A passkey that knows its person needs neither e-mail nor password. */
async function withPasskey() {
  fail("");
  try {
    const { data } = await post("/api/v1/auth/passkey/options", undefined, { stayOn401: true });
    const passkey = await sign(data.passkey);
    const remember = byId("login-remember").checked;
    enter((await post("/api/v1/auth/passkey", { passkey, remember }, { stayOn401: true })).data);
  } catch (error) {
    fail(error.message);
  }
}

function enter(data) {
  location.assign(safePath(address.get("next"), location.origin) ?? safePath(data.landing, location.origin) ?? "/");
}

/** Back to the first step, with words that say why. */
function startAgain(message = "") {
  byId("login-password").value = "";
  byId("login-form").hidden = false;
  fail(message, "password");
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

/** Once an organisation is named, offer its own sign-in service. */
function offerItsOwn() {
  const name = byId("login-tenant").value.trim().toLowerCase();
  const link = byId("login-sso");
  const next = safePath(address.get("next"));
  link.hidden = !/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/.test(name);
  link.href = link.hidden ? "/login" : `/login/sso/${name}${next ? `?next=${encodeURIComponent(next)}` : ""}`;
  link.querySelector("span").textContent = `Sign in with ${name}`;
}
