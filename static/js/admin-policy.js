// Whether everybody in the organisation needs a second factor; and whether mail and the language model work.
import { patch, post } from "./api.js";
import { ask } from "./dialogs.js";
import { tryModel } from "./model-test.js";
import { notify } from "./notices.js";

const box = document.getElementById("require-factor");
const alert = document.getElementById("factor-error");

box?.addEventListener("change", async () => {
  const wanted = box.checked;
  alert.hidden = true;
  box.disabled = true;
  if (!(await sure(wanted)) || !(await save(wanted))) box.checked = !wanted;
  box.disabled = false;
});

function sure(wanted) {
  return ask(wanted
    ? { title: "Require a second factor?", action: "Require it", text: "Who has none is led to set one up at their next step." }
    : { title: "Require it no longer?", action: "Require it no longer", danger: true, text: "A stolen password is then enough to sign in as somebody without a second factor." });
}

async function save(wanted) {
  try {
    await patch("/api/v1/sign-in-policy", { require_factor: wanted });
    notify(wanted ? "Everybody needs a second factor now." : "A second factor is no longer required.");
    return true;
  } catch (error) {
    alert.textContent = error.message;
    alert.hidden = false;
    return false;
  }
}

document.getElementById("test-mail")?.addEventListener("click", async () => {
  try {
    const { data } = await post("/api/v1/mail/test");
    notify(`A mail is on its way to ${data.to}.`);
  } catch (error) {
    notify(`No mail was sent: ${error.message}`, "danger");
  }
});

document.getElementById("test-model")?.addEventListener("click", (event) => {
  tryModel(event.target.closest("button"), document.getElementById("model-said"));
});
