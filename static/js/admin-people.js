// People in the console: filters that apply themselves, and what an administrator does to one person.
import { get, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify, notifyNext } from "./notices.js";
import { watchLive } from "./live-stats.js";

const byId = (id) => document.getElementById(id);
const person = byId("person")?.dataset;

const QUESTIONS = {
  suspend: { title: "Suspend this person?", action: "Suspend", danger: true, text: "is signed out everywhere at once and cannot sign in until reactivated." },
  reactivate: { title: "Reactivate this person?", action: "Reactivate", text: "can sign in again with the same password." },
  unlock: { title: "Let this person try again?", action: "Unlock", text: "can sign in again at once. Was it them? Ask, before somebody else goes on guessing." },
  "reset-password": { title: "Set a new password?", action: "Set it", danger: true, text: "is signed out everywhere and all API keys are revoked; the new password is shown to you once." },
  "reset-link": { title: "Let this person set a new password?", action: "Go on", text: "gets a link with which to set a new password, within half an hour. Using it ends all sessions and revokes all API keys." },
  factors: { title: "Remove all second factors?", action: "Remove them", danger: true, text: "can then sign in with the password alone, until a new factor is set up." },
};

const DONE = { suspend: "is suspended and signed out everywhere.", reactivate: "can sign in again.", unlock: "can try again at once." };
const LINK = "A link that works once, for half an hour, shown only here. Hand it over in a safe way.";

watchLive({});
document.querySelector("[data-filters]")?.addEventListener("change", (event) => {
  if (event.target.matches("select")) event.target.form.requestSubmit();
});
document.querySelector("[data-filters]")?.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("input, select")) field.disabled = !field.value; // short addresses
});
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));

async function act(name) {
  if (name === "delete") return destroy();
  const question = QUESTIONS[name];
  if (!(await ask({ ...question, text: `${person.email} ${question.text}` }))) return;
  const path = `/api/v1/users/${person.id}`;
  try {
    if (name === "factors") {
      const { data } = await remove(`${path}/factors`);
      return notify(data.removed ? "The second factors were removed." : "There was no second factor.");
    }
    const { data } = await post(`${path}/${name}`);
    if (name === "reset-link") return data.mailed ? notify("A mail with the link is on its way.") : show(data.link, LINK);
    if (name !== "reset-password") {
      notifyNext(`${person.email} ${DONE[name]}`);
      return location.replace(`/admin/people/edit/?id=${person.id}`);
    }
    show(data.password, "The new password, shown only once. All sessions of this person have ended, and their API keys.");
  } catch (error) {
    byId("person-error").textContent = `Nothing was changed: ${error.message}`;
    byId("person-error").hidden = false;
  }
}

/** First what goes, what stays and what others would lose; then who goes on with that, and the person's e-mail, typed. */
async function destroy() {
  const path = `/api/v1/users/${person.id}`;
  try {
    const { data } = await get(`${path}/deletion`);
    if (data.refused) throw new Error(data.refused);
    const text = `${goes(withoutShared(data))} This cannot be undone. The trail keeps ${counted(data.stays.events, "event", "events")} of what they did.`;
    const choice = receivers(data.others);
    const answer = await ask({ title: `Delete ${person.email}?`, action: "Delete", danger: true, text, choice, input: { label: "Type the person's e-mail to go on" } });
    if (!answer) return;
    const { text: typed, choice: chosen } = choice ? answer : { text: answer };
    if (typed.toLowerCase() !== person.email) throw new Error("what you typed is not this person's e-mail.");
    await remove(path, chosen ? { transfer_to: chosen } : undefined);
    notifyNext(`${person.email} is deleted.`);
    location.assign("/admin/people/");
  } catch (error) {
    byId("person-error").textContent = `Nothing was changed: ${error.message}`;
    byId("person-error").hidden = false;
  }
}

/** Who could go on with the projects that others read; null where nobody reads any. Those who read come first. */
function receivers({ projects, candidates }) {
  if (!projects.length) return null;
  const files = projects.reduce((sum, project) => sum + project.files, 0);
  const names = [...new Map(projects.flatMap((project) => project.members).map((member) => [member.id, member.name])).values()];
  const readers = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  const words = `${new Intl.ListFormat("en").format(readers)} ${names.length === 1 ? "reads" : "read"} ${counted(projects.length, "project", "projects")} of theirs with ${counted(files, "file", "files")}. Who goes on with ${projects.length === 1 ? "it" : "them"}?`;
  const people = (reads) => candidates.filter((one) => one.reads === reads).map(({ id, name, email }) => [id, `${name} (${email})`]);
  return { label: words, groups: { "Reads there now": people(true), "Would come to read it": people(false), "Or": [["", "Nobody: others lose it"]] } };
}

/** What goes in any case: all but what others read, which the choice is about. */
function withoutShared({ goes: all, others }) {
  const files = others.projects.reduce((sum, project) => sum + project.files, 0);
  return { ...all, projects: all.projects - others.projects.length, files: all.files - files };
}

/** "With this person go 3 chats with 40 messages, 2 files and 1 API key." */
function goes(found) {
  const words = { projects: ["project", "projects"], chats: ["chat", "chats"], messages: ["message", "messages"], files: ["file", "files"],
    api_keys: ["API key", "API keys"], live_sessions: ["live session", "live sessions"], invitations: ["open invitation", "open invitations"] };
  const parts = Object.entries(words).filter(([name]) => found[name]).map(([name, forms]) => counted(found[name], ...forms));
  return parts.length ? `With this person go ${parts.join(", ")}.` : "Nothing but the account goes with this person.";
}

function counted(count, one, many) {
  return `${count >= 10000 ? "10,000 or more" : count} ${count === 1 ? one : many}`;
}

function show(secret, words) {
  byId("secret").textContent = secret;
  byId("secret-words").textContent = words;
  byId("new-password").hidden = false;
}
