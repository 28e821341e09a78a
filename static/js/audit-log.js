// What the pages of the logs share: filters that live in the address, pages by cursor, moments in the browser's zone.
import { get } from "./api.js";

const byId = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * A list that is read page by page.
 * @param {{url: string, draw: (item: object) => HTMLElement, names?: string[], chips?: Record<string, string>, none: string}} log
 *   `names` are the filters of the form, `chips` those that come by link, with their words.
 */
export function openLog({ url, draw, names = [], chips = {}, none }) {
  const form = byId("filters");
  const body = byId("log").querySelector("tbody");
  const all = [...names, ...Object.keys(chips)];
  let next = null;
  let asked = 0;

  async function load({ more = false } = {}) {
    const mine = ++asked;
    byId("more").disabled = true;
    byId("log-note").textContent = "Loading…";
    try {
      const answer = await get(`${url}?${query(all, more ? next : null)}`);
      if (mine !== asked) return;
      if (!more) body.replaceChildren();
      const first = body.children.length;
      body.append(...answer.data.map(draw));
      next = answer.next;
      show(body.children.length, next, none, all);
      if (more) body.children[first]?.querySelector("button")?.focus();
    } catch (error) {
      if (mine !== asked) return;
      byId("log-error").textContent = error.message;
      byId("log-error").hidden = false;
      byId("log-note").textContent = "";
    }
    byId("more").disabled = false;
  }

  byId("more").addEventListener("click", () => load({ more: true }));
  byId("reload")?.addEventListener("click", () => load());
  if (form) watchForm(form, names, chips, load);
  return { load, go: (filters) => goTo(filters, form, names, chips, load) };
}

/** A moment in the reader's own zone, with UTC as its title. */
export function momentElement(text) {
  const element = document.createElement("time");
  element.dateTime = text;
  element.textContent = clock.format(new Date(text));
  element.title = `${text} (UTC)`;
  return element;
}

export function paintBadge(badge, word, tint) {
  badge.textContent = word;
  badge.className = `badge bg-${tint}-lt`;
}

export const OUTCOME_TINTS = { success: "green", failure: "orange", denied: "red", error: "red" };

function watchForm(form, names, chips, load) {
  fill(form, names, chips, load);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const kept = Object.fromEntries(Object.keys(chips).map((name) => [name, param(name)]).filter(([, value]) => value));
    goTo({ ...Object.fromEntries(new FormData(form)), ...kept }, form, names, chips, load);
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    goTo({}, form, names, chips, load);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=date]")) form.requestSubmit();
  });
  addEventListener("popstate", () => {
    fill(form, names, chips, load);
    load();
  });
}

function goTo(filters, form, names, chips, load) {
  const set = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  history.pushState(null, "", set.size ? `?${set}` : location.pathname);
  fill(form, names, chips, load);
  return load();
}

function fill(form, names, chips, load) {
  for (const name of names) form.elements[name].value = param(name) ?? "";
  byId("chips").replaceChildren(...Object.entries(chips).filter(([name]) => param(name)).map(([name, words]) => chip(name, words, load)));
}

/** A filter that came by a link, which a press takes away. */
function chip(name, words, load) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = `${words} ${param(name)} ✕`;
  button.setAttribute("aria-label", `Remove the filter: ${words} ${param(name)}`);
  button.addEventListener("click", () => {
    const rest = new URLSearchParams(location.search);
    rest.delete(name);
    history.pushState(null, "", rest.size ? `?${rest}` : location.pathname);
    button.remove();
    load();
  });
  return button;
}

function query(names, after) {
  const asked = new URLSearchParams({ limit: "50" });
  for (const name of names) if (param(name)) asked.set(name, inUtc(name, param(name)));
  if (after) asked.set("after", after);
  return asked;
}

/** Days are days of the reader: their beginning, or the last instant of the one that is included. */
function inUtc(name, value) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value) || !["from", "to"].includes(name)) return value;
  const [year, month, day] = value.split("-").map(Number);
  const moment = name === "from" ? new Date(year, month - 1, day) : new Date(new Date(year, month - 1, day + 1).getTime() - 1);
  return moment.toISOString();
}

function show(count, next, none, names) {
  byId("log").hidden = !count;
  byId("more").parentElement.hidden = !next;
  byId("log-error").hidden = true;
  const filtered = names.some(param);
  if (!count) byId("log-note").textContent = filtered ? "Nothing fits these filters. Clear one of them, or give a longer time." : none;
  else byId("log-note").textContent = next ? `The newest ${count} are shown.` : `That is all: ${count}.`;
}

function param(name) {
  return new URLSearchParams(location.search).get(name);
}
