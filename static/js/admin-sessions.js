// Who is signed in now: of one organisation, or (platform) of all.
import { get } from "./api.js";
import { watchLive } from "./live-stats.js";
import { endAll, endMatching, endOne, endPerson, endSelected } from "./admin-session-ending.js";
import { isNarrowed, wanted, watchFilters } from "./admin-session-filters.js";
import { addAbove, addBelow, has, howMany, removeRow, selected, showAll, tickAll } from "./admin-session-rows.js";

const byId = (id) => document.getElementById(id);
const { api } = byId("sessions").dataset;
const actions = { end: (session) => act(() => endOne(session)), "end-person": (session) => act(() => endPerson(session)) };
let next = null;
let total = null; // {count, more}, as counted for the filter
let asked = 0;
let further = false; // more pages than the first are shown: what is new is put on top, nothing is read again
const begun = new Set();

watchFilters(load);
byId("sessions-more").addEventListener("click", loadMore);
byId("end-all")?.addEventListener("click", () => act(endAll));
byId("end-selected")?.addEventListener("click", () => act(() => endSelected(selected())));
byId("end-matching")?.addEventListener("click", () => act(() => endMatching(totalWords())));
byId("pick-all")?.addEventListener("change", (event) => {
  tickAll(event.target.checked);
  describe();
});
byId("session-rows").addEventListener("change", describe);
watchLive({ "login_session:opened": ({ id }) => opened(id), "login_session:closed": ({ id }) => closed(id) });
await load();
setInterval(() => document.hidden || further || load(), 30_000); // sessions also run out by time

async function load() {
  const mine = ++asked;
  await attempt(async () => {
    const query = wanted();
    const answer = await get(`${api}?${query}`);
    if (mine !== asked) return; // somebody typed on meanwhile
    showAll(answer.data, actions);
    [next, further] = [answer.next, false];
    describe();
    const counted = (await get(`${api}/count?${query}`)).data;
    if (mine === asked) total = counted;
  });
}

async function loadMore() {
  const mine = asked;
  await attempt(async () => {
    const query = wanted();
    query.set("after", next);
    const answer = await get(`${api}?${query}`);
    if (mine !== asked) return;
    addBelow(answer.data.filter(({ id }) => !has(id)), actions);
    [next, further] = [answer.next, true];
  });
}

/** Somebody signed in: ask for that session alone, under the filter, with others of the same moment. */
function opened(id) {
  if (!id) return;
  if (!begun.size) setTimeout(showBegun, 150);
  begun.add(id);
}

async function showBegun() {
  const query = wanted();
  query.set("ids", [...begun].slice(0, 100).join(","));
  begun.clear();
  await attempt(async () => {
    const { data } = await get(`${api}?${query}`);
    const fresh = data.filter(({ id }) => !has(id));
    addAbove(fresh, actions);
    if (total && !total.more) total.count += fresh.length;
  });
}

function closed(id) {
  if (!id) return void load(); // many at once
  begun.delete(id);
  if (removeRow(id) && total && !total.more) total.count -= 1;
  if (!howMany()) load();
  describe();
}

async function act(call) {
  try {
    if (await call()) await load();
  } catch (error) {
    fail(`Nothing was ended: ${error.message}`);
  }
}

async function attempt(work) {
  try {
    await work();
    byId("sessions-error").hidden = true;
  } catch (error) {
    fail(`The sessions could not be listed: ${error.message}`);
  }
  describe();
}

function fail(words) {
  byId("sessions-error").textContent = words;
  byId("sessions-error").hidden = false;
}

function totalWords() {
  return total ? `${total.count.toLocaleString("en")}${total.more ? "+" : ""}` : `${howMany()}`;
}

function describe() {
  const ticked = selected().length;
  byId("sessions-footer").hidden = !next;
  byId("sessions-note").textContent = howMany()
    ? `${howMany().toLocaleString("en")} of ${totalWords()} live session${total?.count === 1 ? "" : "s"} shown, the newest first`
    : "Nobody that fits is signed in now.";
  show("end-selected", ticked > 0, `End ${ticked} selected`);
  show("end-matching", isNarrowed() && howMany() > 0, `End all ${totalWords()} found`);
}

function show(id, visible, words) {
  const button = byId(id);
  if (!button) return;
  button.hidden = !visible;
  button.querySelector("[data-words]").textContent = words;
}
