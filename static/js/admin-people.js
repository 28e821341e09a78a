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
  "reset-password": { title: "Set a new password?", action: "Set it", danger: true, text: "is signed out everywhere; the new password is shown to you once." },
  delete: { title: "Delete this person?", action: "Delete", danger: true, text: "is deleted with all chats and files. The trail keeps what they did. This cannot be undone." },
};

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
    const { data } = await post(`${path}/${name}`);
    if (name !== "reset-password") return location.replace(`/admin/people/edit/?id=${person.id}`);
    byId("secret").textContent = data.password;
    byId("new-password").hidden = false;
  } catch (error) {
    byId("person-error").textContent = `Nothing was changed: ${error.message}`;
    byId("person-error").hidden = false;
  }
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
