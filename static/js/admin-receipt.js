// The receipt of a revocation: which server processes have obeyed, and after how long (S5).
import { get } from "./api.js";

const byId = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Show what was ended, then ask for the receipts until all processes have answered or one is red. */
export async function showReceipt({ ended, revocations }) {
  const ids = (revocations ?? []).filter(Boolean);
  byId("receipt").hidden = false;
  byId("receipt-title").textContent = ended === 1 ? "One session has ended." : `${ended} sessions have ended.`;
  byId("receipt-text").textContent = ids.length ? "Waiting for the server processes…" : "";
  tint("info");
  for (let tries = 0; ids.length && tries < 16; tries++) {
    await pause(tries ? 200 : 80);
    const receipts = await Promise.all(ids.slice(0, 20).map(read));
    show(receipts.filter(Boolean));
    if (receipts.every((receipt) => receipt && (receipt.complete || isRed(receipt)))) return;
  }
}

async function read(id) {
  try {
    return (await get(`/api/v1/revocations/${id}`)).data;
  } catch {
    return null; // not there yet, or Redis is away: the next try tells
  }
}

function isRed(receipt) {
  return receipt.processes.some((process) => process.state === "red");
}

function show(receipts) {
  if (!receipts.length) return;
  const alive = Math.max(...receipts.map((receipt) => receipt.alive));
  const done = Math.min(...receipts.map((receipt) => receipt.acknowledged));
  const took = Math.max(...receipts.map((receipt) => receipt.milliseconds ?? 0));
  const late = receipts.flatMap((receipt) => receipt.processes.filter((process) => process.state === "red"));
  byId("receipt-text").textContent = `${done} of ${alive} process${alive === 1 ? "" : "es"} acknowledged in ${took} ms.`
    + (late.length ? ` No answer from ${late.map((process) => process.process).join(", ")}: it obeys as soon as it asks the database.` : "");
  tint(late.length ? "danger" : done === alive ? "success" : "info");
}

function tint(kind) {
  byId("receipt").className = `alert alert-${kind} receipt`;
}
