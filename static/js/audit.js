// The auditor's page: events newest first, filters in the address, word of new ones as they happen.
import { showEvent, showEventById } from "./audit-drawer.js";
import { openLog } from "./audit-log.js";
import { drawEvent } from "./audit-rows.js";
import { watchLive } from "./live-stats.js";

const fresh = document.getElementById("new-events");
const log = openLog({
  url: "/api/v1/audit/events",
  draw: (event) => drawEvent(event, open),
  names: ["action", "actor", "outcome", "from", "to", "q"],
  chips: { target: "Touching", session: "In login session", ip: "From" },
  none: "Nothing has been recorded yet. As soon as somebody signs in or changes something, it stands here.",
});
let unseen = 0;
let ours = Date.now();

fresh.addEventListener("click", async () => {
  await load();
  document.getElementById("log").querySelector(".log-open")?.focus();
});
document.getElementById("reload").addEventListener("click", forget);
await load();
const wanted = new URLSearchParams(location.search).get("event");
if (wanted) showEventById(wanted);
const socket = watchLive({
  connected: () => socket.emit("audit:watch", {}),
  "audit:event": ({ count }) => announce(count),
});

async function load() {
  forget();
  await log.load();
  ours = Date.now();
}

/** Looking is itself an event: the one that this page has just caused is no news. */
function announce(count) {
  const own = Date.now() - ours < 1500 ? 1 : 0;
  unseen += Math.max(0, count - own);
  fresh.hidden = !unseen;
  fresh.querySelector("span").textContent = unseen === 1 ? "1 new event" : `${unseen} new events`;
}

function forget() {
  unseen = 0;
  ours = Date.now();
  fresh.hidden = true;
}

function open(event) {
  showEvent(event);
}
