// People in the console: filters that apply themselves, and what an administrator does to one person.
import { post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { watchLive } from "./live-stats.js";

const byId = (id) => document.getElementById(id);
const person = byId("person")?.dataset;

const QUESTIONS = {
  suspend: { title: "Suspend this person?", action: "Suspend", danger: true, text: "is signed out everywhere at once and cannot sign in until reactivated." },
  reactivate: { title: "Reactivate this person?", action: "Reactivate", text: "can sign in again with the same password." },
  unlock: { title: "Let this person try again?", action: "Unlock", text: "can sign in again at once. Was it them? Ask, before somebody else goes on guessing." },
  "reset-password": { title: "Set a new password?", action: "Set it", danger: true, text: "is signed out everywhere; the new password is shown to you once." },
  "reset-link": { title: "Let this person set a new password?", action: "Go on", text: "gets a link with which to set a new password, within half an hour." },
  factors: { title: "Remove all second factors?", action: "Remove them", danger: true, text: "can then sign in with the password alone, until a new factor is set up." },
  delete: { title: "Delete this person?", action: "Delete", danger: true, text: "is deleted with all chats and files. The trail keeps what they did. This cannot be undone." },
};

const LINK = "A link that works once, for half an hour, shown only here. Hand it over on a safe way.";

watchLive({});
document.querySelector("[data-filters]")?.addEventListener("change", (event) => {
  if (event.target.matches("select")) event.target.form.requestSubmit();
});
document.querySelector("[data-filters]")?.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("input, select")) field.disabled = !field.value; // short addresses
});
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));

async function act(name) {
  const question = QUESTIONS[name];
  if (!(await ask({ ...question, text: `${person.email} ${question.text}` }))) return;
  const path = `/api/v1/users/${person.id}`;
  try {
    if (name === "delete") {
      await remove(path);
      return location.assign("/admin/people/");
    }
    if (name === "factors") {
      const { data } = await remove(`${path}/factors`);
      return notify(data.removed ? "The second factors were removed." : "There was no second factor.");
    }
    const { data } = await post(`${path}/${name}`);
    if (name === "reset-link") return data.mailed ? notify("A mail with the link is on its way.") : show(data.link, LINK);
    if (name !== "reset-password") return location.replace(`/admin/people/edit/?id=${person.id}`);
    show(data.password, "The new password, shown only once. All sessions of this person have ended.");
  } catch (error) {
    byId("person-error").textContent = `Nothing was changed: ${error.message}`;
    byId("person-error").hidden = false;
  }
}

function show(secret, words) {
  byId("secret").textContent = secret;
  byId("secret-words").textContent = words;
  byId("new-password").hidden = false;
}

async function copy(id) {
  try {
    await navigator.clipboard.writeText(byId(id).textContent);
    notify("Copied.");
  } catch {
    getSelection().selectAllChildren(byId(id)); // no clipboard without TLS: at least it is marked
    notify("Press Ctrl-C to copy what is marked.");
  }
}
