// The receipt of a revocation: which server processes have obeyed and when, and asking again those that have not (S5).
import { get, post } from "./api.js";

const byId = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const AT_MOST = 20; // receipts that are read; of more, the newest tell enough
let showing = 0;

byId("receipt-retry")?.addEventListener("click", retry);

/** Show what was ended, then ask for the receipts until every process has answered; a red one goes on being asked for. */
export async function showReceipt({ ended, revocations }) {
  const ids = (revocations ?? []).filter(Boolean).slice(-AT_MOST);
  byId("receipt").hidden = false;
  byId("receipt").dataset.ids = ids.join(",");
  byId("receipt-title").textContent = ended === 1 ? "One session has ended." : `${ended.toLocaleString("en")} sessions have ended.`;
  byId("receipt-text").textContent = ids.length ? "Waiting for the server processes…" : "";
  byId("receipt-processes").replaceChildren();
  byId("receipt-retry").hidden = true;
  tint("info");
  if (ids.length) await follow(ids);
}

/** Ask quickly at first; what is red then is asked for every five seconds, without keeping anybody waiting. */
async function follow(ids) {
  const mine = ++showing;
  for (let tries = 0; tries < 16; tries++) {
    await pause(tries ? 200 : 80);
    const state = await look(ids, mine);
    if (state === "over" || state === "done") return;
    if (state === "red") break;
  }
  watch(ids, mine);
}

async function watch(ids, mine) {
  for (let tries = 0; tries < 60; tries++) {
    await pause(5000);
    if (["over", "done"].includes(await look(ids, mine))) return;
  }
}

/** Read and show the receipts; tells the worst state, or `over` when others are shown by now. */
async function look(ids, mine) {
  const receipts = (await Promise.all(ids.map(read))).filter(Boolean);
  if (mine !== showing) return "over";
  if (!receipts.length) return "waiting";
  show(receipts);
  return ["red", "waiting"].find((state) => receipts.some((receipt) => receipt.state === state)) ?? "done";
}

async function retry() {
  const ids = byId("receipt").dataset.ids.split(",").filter(Boolean);
  byId("receipt-retry").disabled = true;
  const answers = await Promise.all(ids.map((id) => post(`/api/v1/revocations/${id}/retry`).catch((error) => ({ error }))));
  byId("receipt-retry").disabled = false;
  const refused = answers.find(({ error }) => error);
  if (refused) byId("receipt-text").textContent = refused.error.message;
  else await follow(ids);
}

async function read(id) {
  try {
    return (await get(`/api/v1/revocations/${id}`)).data;
  } catch {
    return null; // not there yet: the next try tells
  }
}

function show(receipts) {
  const red = receipts.filter(({ state }) => state === "red");
  const done = receipts.every(({ state }) => state === "done");
  const alive = Math.max(...receipts.map((receipt) => receipt.alive));
  const answered = Math.min(...receipts.map((receipt) => receipt.acknowledged));
  const took = Math.max(...receipts.map((receipt) => receipt.milliseconds ?? 0));
  const trouble = red.find((receipt) => receipt.trouble)?.trouble;
  byId("receipt-text").textContent = trouble
    ?? `${answered} of ${alive} process${alive === 1 ? "" : "es"} acknowledged${answered ? ` in ${took} ms` : ""}.${red.length ? " Onyx asks the others again by itself." : ""}`;
  byId("receipt-processes").replaceChildren(...(red[0] ?? receipts.at(-1)).processes.map(line));
  byId("receipt-retry").hidden = !red.length;
  tint(red.length ? "danger" : done ? "success" : "info");
}

function line({ process, state, milliseconds, at, error }) {
  const item = document.createElement("li");
  const badge = document.createElement("span");
  badge.className = `badge ${{ acknowledged: "bg-green-lt", waiting: "bg-blue-lt", red: "bg-red-lt" }[state]}`;
  badge.textContent = { acknowledged: "obeyed", waiting: "waiting", red: error ? "failed" : "no answer" }[state];
  const when = at ? ` at ${new Date(at).toLocaleTimeString(undefined, { timeStyle: "long" })} (${milliseconds} ms)` : error ? ` (${error}; it tries again)` : "";
  item.append(badge, ` ${process}${when}`);
  return item;
}

function tint(kind) {
  byId("receipt").className = `alert alert-${kind} receipt`;
}
