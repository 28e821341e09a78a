// How long things are kept: what a rule would take is shown while it is typed, and confirmed before it is saved.
import { get, patch, put } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";
import { exact } from "./times.js";

const byId = (id) => document.getElementById(id);
const section = byId("retention").dataset;
const form = byId("retention-form");
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
let timer = null;
let held = null;
let asked = 0;

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, 300);
});
form.addEventListener("submit", save);
byId("hold-button").addEventListener("click", turnHold);
look();

/** What a field says; and as a setting: a number, or null for none. */
function typed(name) {
  return form.elements[name].value.trim();
}

function setting(name) {
  return typed(name) === "" ? null : Number(typed(name));
}

/** What the rules in the fields would take, as the server counts now; null when they cannot be. */
async function preview() {
  const days = ["retention_chat_days", "retention_access_days"].map((name) => Number(typed(name)));
  if (days.some((value) => !Number.isInteger(value) || value < 0)) throw new Error("Write whole days.");
  return (await get(`${section.read}?chat_days=${days[0]}&access_days=${days[1]}`)).data;
}

async function look() {
  const mine = ++asked;
  let words = "";
  try {
    const found = await preview();
    if (mine !== asked) return; // something else was typed meanwhile
    words = taken(found) || "As it is typed here, nothing would go now.";
    showAside(found.chats.set_aside);
    showHold(found.legal_hold);
  } catch (error) {
    words = error.message;
  }
  if (mine === asked) byId("retention-preview").textContent = words;
}

/** One sentence for chats and one for the log; empty when nothing would go. */
function taken({ chats, access_log: log }) {
  const words = [];
  const { preview: some } = chats;
  if (some.chats) {
    words.push(`${count(some.chats, "chat")} with ${count(some.messages, "message")} of ${count(some.people, "person", "people")} would be set aside, the oldest of ${day.format(new Date(some.oldest))}, and deleted ${chats.grace_days} days later.`);
  }
  if (log.preview.months.length) {
    const { months, entries } = log.preview;
    words.push(`${count(months.length, "month")} of the access log (${months[0]}${months.length > 1 ? ` to ${months.at(-1)}` : ""}) with ${count(entries, "line")} would be archived and dropped.`);
  }
  return words.join(" ");
}

function count(many, one, more = `${one}s`) {
  return `${many.toLocaleString()}${many >= 1_000_000 && one === "line" ? " or more" : ""} ${many === 1 ? one : more}`;
}

function showAside({ chats, goes_at: goes }) {
  byId("retention-aside").hidden = !chats;
  if (chats) byId("retention-aside").textContent = `${count(chats, "chat")} ${chats === 1 ? "is" : "are"} set aside; the first goes for ever on ${day.format(new Date(goes))}. A longer time, or none, brings back what fits into it within a minute.`;
}

function showHold(hold) {
  held = hold;
  byId("hold-state").textContent = hold
    ? `On since ${exact(hold.since)}, by ${hold.by}${hold.by_platform ? " (the platform)" : ""}${hold.reason ? `: ${hold.reason}` : "."}`
    : "There is none.";
  byId("hold-button").textContent = hold ? "Lift the legal hold" : "Put a legal hold on everything";
  byId("hold-button").hidden = Boolean(hold?.by_platform) && !("platform" in section);
}

async function save(event) {
  event.preventDefault();
  byId("retention-error").hidden = true;
  try {
    const would = taken(await preview());
    const sure = !would || (await ask({
      title: "Save these times?", text: held ? `Nothing goes while the legal hold is on. Without it: ${would}` : would, action: "Save", danger: true,
    }));
    if (!sure) return;
    const wanted = Object.fromEntries([...form.querySelectorAll("[data-kind]")].map(({ name }) => [name, setting(name)]));
    await patch(section.save, "platform" in section ? { settings: wanted } : wanted);
    notify("Saved. It is applied within a minute.");
    look();
  } catch (error) {
    byId("retention-error").textContent = `Nothing was changed: ${error.message}`;
    byId("retention-error").hidden = false;
  }
}

async function turnHold() {
  const answer = held
    ? await ask({ title: "Lift the legal hold?", text: "From then on, what is older than its time is set aside and deleted again.", action: "Lift it", danger: true })
    : await ask({ title: "Put a legal hold on everything?", text: "The reason stands in the audit trail.", action: "Put it on", input: { label: "Reason" } });
  if (!answer) return;
  try {
    const { data } = await put(section.hold, held ? { on: false } : { on: true, reason: answer });
    showHold(data.legal_hold);
    look();
  } catch (error) {
    notify(error.message, "danger");
  }
}
