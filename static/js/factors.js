// One's second factors: what there is, adding and removing, recovery codes that are shown once.
import { get, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { available, create } from "./webauthn.js";

const PATH = "/api/v1/auth/factors";
const byId = (id) => document.getElementById(id);
const mustEnrol = Boolean(byId("enrol")?.dataset.must);

click("totp-begin", beginTotp);
click("totp-cancel", () => showTotpForm(null));
click("passkey-add", addPasskey);
click("codes-renew", renewCodes);
click("codes-copy", () => navigator.clipboard.writeText(codes().join("\n")).then(() => notify("Copied.")));
click("codes-kept", kept);
byId("totp-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tried(confirmTotp);
});
tried(show);

async function show() {
  const { data } = await get(PATH);
  const any = Boolean(data.totp) || data.passkeys.length > 0;
  byId("factor-list").replaceChildren(...lines(data, any));
  byId("totp-begin").hidden = Boolean(data.totp) || !byId("totp-form").hidden;
  byId("passkey-add").hidden = !available();
  byId("codes-renew").hidden = !any;
}

function lines(data, any) {
  const found = data.passkeys.map((key) => line(`Passkey “${key.name}”`, key.created_at, () => removeOne(`/passkeys/${key.id}`)));
  if (data.totp) found.unshift(line("Authenticator app", data.totp.since, () => removeOne("/totp")));
  if (!any) found.push(line("You have no second factor yet."));
  else found.push(line(`${data.recovery_codes} recovery codes left`));
  return found;
}

function line(words, since, removing) {
  const item = document.createElement("li");
  item.dataset.testid = removing ? "factor" : "factor-note";
  const label = document.createElement("span");
  label.textContent = since ? `${words}, since ${new Date(since).toLocaleDateString()}` : words;
  item.append(label);
  if (removing) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${words}`);
    button.dataset.testid = "factor-remove";
    button.addEventListener("click", () => tried(removing));
    item.append(button);
  }
  return item;
}

async function beginTotp() {
  const { data } = await post(`${PATH}/totp`);
  showTotpForm(data);
}

function showTotpForm(data) {
  byId("totp-form").hidden = !data;
  byId("totp-begin").hidden = Boolean(data);
  byId("totp-qr").src = data?.qr ?? "data:,";
  byId("totp-secret").textContent = data?.secret.match(/.{1,4}/g).join(" ") ?? "";
  byId("totp-form").reset();
  if (data) byId("field-code").focus();
}

async function confirmTotp() {
  const { data } = await post(`${PATH}/totp/confirm`, { code: byId("field-code").value.replaceAll(" ", "") });
  showTotpForm(null);
  await done(data.recovery_codes);
}

async function addPasskey() {
  const { data } = await post(`${PATH}/passkeys/options`);
  const credential = await create(data.options);
  const name = await ask({ title: "Name this passkey", action: "Save", input: { label: "For example the device it is on", value: "Passkey" } });
  const saved = await post(`${PATH}/passkeys`, { challenge: data.challenge, credential, name: name || "Passkey" });
  await done(saved.data.recovery_codes);
}

async function removeOne(path) {
  if (!(await ask({ title: "Remove this factor?", action: "Remove", danger: true, text: "You cannot sign in with it any more." }))) return;
  await remove(PATH + path);
  notify("The factor was removed.");
  await show();
}

async function renewCodes() {
  if (!(await ask({ title: "New recovery codes?", action: "Make them", text: "The former ones stop working." }))) return;
  const { data } = await post(`${PATH}/recovery-codes`);
  showCodes(data.recovery_codes);
  await show();
}

async function done(fresh) {
  notify("The second factor is on.");
  if (fresh) showCodes(fresh);
  await show();
  if (!fresh) goOn();
}

function showCodes(fresh) {
  byId("recovery-list").replaceChildren(...fresh.map((code) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("code"), { textContent: code }));
    return item;
  }));
  byId("recovery-codes").hidden = false;
  byId("codes-kept").focus();
}

function codes() {
  return [...byId("recovery-list").children].map((item) => item.textContent);
}

function kept() {
  byId("recovery-codes").hidden = true;
  byId("recovery-list").replaceChildren();
  goOn();
}

/** Whoever was led here may go where they wanted. */
function goOn() {
  if (mustEnrol) location.assign("/");
}

function click(id, act) {
  byId(id).addEventListener("click", () => tried(act));
}

async function tried(act) {
  const alert = byId("factor-error");
  alert.hidden = true;
  try {
    await act();
  } catch (error) {
    alert.textContent = error.message;
    alert.hidden = false;
  }
}
