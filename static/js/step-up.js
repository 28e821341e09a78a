// "Is it still you?": before something dangerous, in a login session that was not confirmed lately.
import { get, post } from "./api.js";
import { available, sign } from "./webauthn.js";

const PATH = "/api/v1/auth/step-up";
const NOTHING = "You have neither a password nor a second factor here. Sign out, sign in again, then do it once more.";
const byId = (id) => document.getElementById(`step-up-${id}`);
let asking = null;

/** Ask for the password, a code or a passkey; resolves to whether it is confirmed. One dialog at a time. */
export function confirmItIsMe() {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

/** Let forms with data-fresh be sent, and such downloads begin, only when the session is fresh, so that nothing typed
 * is lost to a refusal, and no refusal is kept as a file. */
export function watchFreshForms() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-fresh]");
    if (!link) return;
    event.preventDefault();
    freshen().then((fresh) => fresh && location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches?.("form[data-fresh]")) return;
    if (form.dataset.freshNow) return void delete form.dataset.freshNow;
    event.preventDefault();
    freshen().then((fresh) => {
      if (!fresh) return;
      form.dataset.freshNow = "yes";
      form.requestSubmit(event.submitter);
    });
  });
}

/** Whether the session is fresh, after asking if it was not. */
export async function freshen() {
  const { data } = await get(PATH).catch(() => ({ data: { fresh: true } })); // the server decides anyway
  return data.fresh || confirmItIsMe();
}

async function ask() {
  const { data } = await get(PATH);
  const dialog = byId("dialog");
  byId("form").reset();
  byId("code-row").hidden = !data.methods.includes("totp") && !data.methods.includes("recovery_code");
  byId("password-row").hidden = !data.methods.includes("password");
  byId("passkey").hidden = !data.methods.includes("passkey") || !available();
  fail(data.methods.length ? "" : NOTHING);
  dialog.showModal();
  byId(byId("password-row").hidden ? "code" : "password").focus();
  return new Promise((resolve) => {
    const listen = new AbortController();
    const on = (name, event, act) => byId(name).addEventListener(event, act, { signal: listen.signal });
    on("form", "submit", (event) => {
      event.preventDefault();
      const password = byId("password").value, code = byId("code").value.trim();
      prove(() => (code ? { code } : password ? { password } : Promise.reject(new Error("Enter your password or a code."))));
    });
    on("passkey", "click", () => prove(signed));
    on("cancel", "click", () => dialog.close("cancel"));
    on("dialog", "close", () => {
      listen.abort();
      resolve(dialog.returnValue === "ok");
      dialog.returnValue = "";
    });
  });
}

async function prove(proof) {
  byId("ok").disabled = true;
  try {
    await post(PATH, await proof());
    byId("dialog").close("ok");
  } catch (error) {
    fail(error.message);
  }
  byId("ok").disabled = false;
}

async function signed() {
  const { data } = await post(`${PATH}/challenge`);
  return { challenge: data.challenge, passkey: await sign(data.passkey) };
}

function fail(message) {
  byId("error").textContent = message;
  byId("error").hidden = !message;
}
