// An auditor's proof that nobody else reaches their organisation: the newest report, the older ones, and asking for one.
import { get, post } from "./api.js";
import { momentElement, paintBadge } from "./audit-log.js";
import { notify } from "./notices.js";

const byId = (id) => document.getElementById(id);
const rows = byId("report-rows");
let next = null;

byId("check-now").addEventListener("click", checkNow);
byId("reports-more").addEventListener("click", () => list(next));
await list();

async function list(after = null) {
  let answer;
  try {
    answer = await get(`/api/v1/isolation/reports${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  } catch (error) {
    return fail(`The reports could not be read: ${error.message}`);
  }
  const drawn = answer.data.map(drawRow);
  if (after) rows.append(...drawn);
  else rows.replaceChildren(...drawn);
  next = answer.next;
  byId("reports-footer").hidden = !next;
  byId("reports").hidden = !rows.children.length;
  byId("isolation-note").textContent = rows.children.length ? ""
    : "There is no report yet. The first one is made within minutes, or at once when you ask for it.";
  if (!after && answer.data.length) await open(answer.data[0].id);
}

function drawRow(report) {
  const row = byId("report-piece").content.cloneNode(true).querySelector("button");
  row.dataset.id = report.id;
  paintResult(row.querySelector(".badge"), report.passed, report.failed);
  row.querySelector(".report-time").append(momentElement(report.checked_at));
  row.addEventListener("click", () => open(report.id));
  return row;
}

async function open(id) {
  let document_;
  try {
    document_ = (await get(`/api/v1/isolation/reports/${id}`)).data.document;
  } catch (error) {
    return fail(`The report could not be read: ${error.message}`);
  }
  const { content, signature } = document_;
  const failed = content.checks.filter((check) => !check.passed).length;
  paintResult(byId("report-badge"), content.passed, failed);
  byId("report-when").replaceChildren(momentElement(content.checked_at));
  byId("report-file").href = `/api/v1/isolation/reports/${id}/document`;
  byId("report-key").textContent = signature.key_id;
  byId("checks").replaceChildren(...content.checks.map(drawCheck));
  byId("report").hidden = false;
  for (const row of rows.children) row.setAttribute("aria-current", String(row.dataset.id === id));
}

function drawCheck(check) {
  const line = byId("check-piece").content.cloneNode(true).querySelector("li");
  paintBadge(line.querySelector(".badge"), check.passed ? "held" : "failed", check.passed ? "green" : "red");
  line.querySelector(".check-title").textContent = check.title;
  line.querySelector(".check-found").append(...check.found.map((text) => {
    const one = document.createElement("li");
    one.textContent = text;
    return one;
  }));
  return line;
}

function paintResult(badge, passed, failed) {
  paintBadge(badge, passed ? "everything held" : `${failed} did not hold`, passed ? "green" : "red");
}

async function checkNow() {
  const before = rows.firstElementChild?.dataset.id;
  byId("check-now").disabled = true;
  try {
    await post("/api/v1/isolation/check");
    notify("The check begins within a minute; this page shows its report.");
    await waitForAnother(before);
  } catch (error) {
    fail(`The check was not asked for: ${error.message}`);
  }
  byId("check-now").disabled = false;
}

async function waitForAnother(before) {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const newest = (await get("/api/v1/isolation/reports?limit=1")).data[0];
    if (newest && newest.id !== before) return list();
  }
  fail("No report came within two and a half minutes: is a worker running?");
}

function fail(text) {
  byId("isolation-error").textContent = text;
  byId("isolation-error").hidden = false;
  byId("isolation-note").textContent = "";
}
