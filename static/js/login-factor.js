// The second step of signing in: a code or a passkey answers the challenge of the first.
import { post } from "./api.js";
import { available, sign } from "./webauthn.js";

const byId = (id) => document.getElementById(id);
let step = null;

byId("factor-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = byId("factor-code").value.trim();
  if (!code) return fail("Enter the code.");
  answer(() => ({ code }));
});
byId("factor-passkey").addEventListener("click", () => answer(async () => ({ passkey: await sign(step.data.passkey) })));
byId("factor-back").addEventListener("click", () => leave());

/** Show the second step; `enter` gets the answer when it is right, `startAgain` is told why it is over. */
export function askForFactor(data, enter, startAgain) {
  step = { data, enter, startAgain };
  const key = data.methods.includes("passkey") && available();
  const code = data.methods.includes("totp") || data.methods.includes("recovery_code");
  byId("login-form").hidden = true;
  byId("factor-form").hidden = false;
  byId("factor-words").textContent = key ? "Your password is right. Now use your passkey" + (code ? ", or enter a code." : ".") : "Your password is right. Now enter a code.";
  byId("factor-passkey").hidden = !key;
  byId("factor-code-part").hidden = !code;
  byId("factor-code").value = "";
  fail("");
  byId(key && !data.methods.includes("totp") ? "factor-passkey" : "factor-code").focus();
}

async function answer(proof) {
  byId("factor-submit").disabled = true;
  fail("");
  try {
    const { data } = await post("/api/v1/auth/mfa", { challenge: step.data.challenge, ...(await proof()) }, { stayOn401: true });
    return step.enter(data);
  } catch (error) {
    if (error.code === "challenge_over") leave(error.message);
    else fail(error.message);
  }
  byId("factor-submit").disabled = false;
}

function leave(message) {
  byId("factor-form").hidden = true;
  byId("factor-submit").disabled = false;
  step.startAgain(message);
}

function fail(message) {
  const alert = byId("login-error");
  alert.textContent = message;
  alert.hidden = !message;
  if (message && !byId("factor-form").hidden) byId("factor-code").select();
}
