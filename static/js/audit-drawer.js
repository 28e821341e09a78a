// One event in full: what changed, where it came from, and the ways on from here.
import { get } from "./api.js";
import { momentElement, OUTCOME_TINTS, paintBadge } from "./audit-log.js";
import { notify } from "./notices.js";

const drawer = document.getElementById("drawer");
const body = document.getElementById("drawer-body");

/** Show an event; `links` adds the ways to related events, for those who may read the whole trail. */
export function showEvent(event, links = true) {
  document.getElementById("drawer-title").textContent = event.sentence;
  body.replaceChildren(facts(event), ...changes(event), ...(links ? [ways(event)] : []), ...extra(event), request(event), raw(event));
  if (!drawer.open) drawer.showModal();
  body.scrollTop = 0;
}

/** Show the event with this id, as after a link to it. */
export async function showEventById(id) {
  try {
    showEvent((await get(`/api/v1/audit/events/${encodeURIComponent(id)}`)).data);
  } catch (error) {
    notify(`The event cannot be shown: ${error.message}`, "danger");
  }
}

drawer.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});

function facts(event) {
  const badge = document.createElement("span");
  paintBadge(badge, event.outcome, OUTCOME_TINTS[event.outcome] ?? "secondary");
  return list([
    ["When", momentElement(event.recorded_at)],
    ["Action", code(event.action)],
    ["Outcome", badge],
    ["Reason", event.reason],
    ["Who", person(event.actor)],
    ["Roles", event.actor.roles?.join(", ")],
    ["On behalf of", event.on_behalf_of && JSON.stringify(event.on_behalf_of)],
    ...event.targets.map((target) => [`Touched ${target.type}`, [target.display, target.id].filter(Boolean).join(" · ")]),
  ]);
}

function changes(event) {
  if (!event.changes.length) return [];
  const table = document.createElement("table");
  table.className = "table table-sm drawer-changes";
  table.dataset.testid = "audit-changes";
  table.append(row("th", ["Field", "Before", "After"]), ...event.changes.map((c) => row("td", [c.path, plain(c.old), plain(c.new)])));
  return [heading("What changed"), table];
}

function ways(event) {
  const nav = document.createElement("nav");
  nav.className = "drawer-ways";
  nav.setAttribute("aria-label", "Related events");
  if (event.actor.id) nav.append(link(`?actor=${event.actor.id}`, "Everything this person did", "audit-by-actor"));
  const touched = event.targets.find((target) => target.id);
  if (touched) nav.append(link(`?target=${encodeURIComponent(touched.id)}`, `Everyone who touched this ${touched.type}`, "audit-by-target"));
  if (event.session_id) nav.append(link(`?session=${event.session_id}`, "Everything in this login session", "audit-by-session"));
  if (event.ip) nav.append(link(`?ip=${encodeURIComponent(event.ip)}`, "Everything from this address", "audit-by-ip"));
  return nav;
}

function extra(event) {
  const known = Object.entries(event.details);
  return known.length ? [heading("Details"), list(known.map(([name, value]) => [name.replaceAll("_", " "), plain(value)]))] : [];
}

function request(event) {
  const part = document.createElement("section");
  part.append(heading("Where it came from"), list([
    ["Route", event.request.route && code(`${event.request.method} ${event.request.route}`)],
    ["Address", event.ip],
    ["Program", event.request.user_agent],
    ["Login session", event.session_id && code(event.session_id)],
    ["Request", event.request.id && code(event.request.id)],
    ["Event", code(event.id)],
    ["Purpose", event.purpose],
  ]));
  return part;
}

function raw(event) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "As it is stored";
  const text = document.createElement("pre");
  text.textContent = JSON.stringify(event, null, 2);
  text.tabIndex = 0;
  details.append(summary, text);
  return details;
}

function list(pairs) {
  const made = document.createElement("dl");
  made.className = "drawer-facts";
  for (const [name, value] of pairs) {
    if (value === undefined || value === null || value === "") continue;
    const term = document.createElement("dt");
    const fact = document.createElement("dd");
    term.textContent = name;
    fact.append(value);
    made.append(term, fact);
  }
  return made;
}

function person(actor) {
  return actor.display && actor.display !== actor.shown ? `${actor.shown} (${actor.display})` : actor.shown;
}

function row(cell, texts) {
  const made = document.createElement("tr");
  for (const text of texts) {
    const part = document.createElement(cell);
    part.textContent = text;
    made.append(part);
  }
  return made;
}

function heading(text) {
  const made = document.createElement("h3");
  made.className = "h4 mt-3";
  made.textContent = text;
  return made;
}

function link(href, text, testid) {
  const made = document.createElement("a");
  made.className = "btn btn-sm";
  made.href = href;
  made.textContent = text;
  made.dataset.testid = testid;
  return made;
}

function code(text) {
  const made = document.createElement("code");
  made.textContent = text;
  return made;
}

function plain(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
