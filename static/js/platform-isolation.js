// The newest isolation result of each organisation, for the platform.
import { get, post } from "./api.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const rows = byId("isolation-rows");
let next = null;
let typing = 0;
let asked = 0;

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => load(), 250);
});
byId("isolation-more").addEventListener("click", () => load(next));
await Promise.all([load(), sum()]);

async function sum() {
  try {
    const { data } = await get("/api/v1/platform/isolation/summary");
    const count = (number) => number.toLocaleString("en");
    const said = [`Everything held in ${count(data.held)} of ${count(data.tenants)} organisations.`];
    if (data.failed) said.push(`Something did not hold in ${count(data.failed)}.`);
    if (data.unchecked) said.push(`${count(data.unchecked)} wait for their first check.`);
    byId("isolation-summary").replaceChildren(said.join(" "), ...(data.oldest ? [" The check that lies longest ago: ", timeElement(data.oldest), "."] : []));
    byId("isolation-summary").classList.toggle("text-danger", data.failed > 0);
  } catch (error) {
    fail(`The results could not be counted: ${error.message}`);
  }
}

async function load(after = null) {
  const mine = ++asked;
  const query = new URLSearchParams(new FormData(byId("filters")));
  if (after) query.set("after", after);
  try {
    const answer = await get(`/api/v1/platform/isolation?${query}`);
    if (mine !== asked) return; // somebody typed on meanwhile: this answer is of the words before
    const drawn = answer.data.map(draw);
    if (after) rows.append(...drawn);
    else rows.replaceChildren(...drawn);
    next = answer.next;
    byId("isolation-error").hidden = true;
  } catch (error) {
    fail(`The results could not be read: ${error.message}`);
  }
  byId("isolation-footer").hidden = !next;
  const count = rows.children.length;
  byId("isolation-note").textContent = count ? `${count}${next ? " or more" : ""} organisation${count === 1 ? "" : "s"}` : "No organisation fits.";
}

function draw(tenant) {
  const row = byId("isolation-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.tenantId = tenant.id;
  row.querySelector(".who").href = `/platform/tenants/${tenant.id}`;
  row.querySelector(".who-name").textContent = tenant.name;
  row.querySelector(".who-mail").textContent = tenant.slug;
  const badge = row.querySelector(".badge");
  const checked = tenant.checked_at !== null;
  badge.textContent = !checked ? "not checked yet" : tenant.passed ? "everything held" : `${tenant.failed} did not hold`;
  badge.classList.add(!checked ? "bg-secondary-lt" : tenant.passed ? "bg-green-lt" : "bg-red-lt");
  if (checked) row.querySelector(".isolation-when").append(timeElement(tenant.checked_at));
  const why = row.querySelector("[data-why]");
  why.hidden = !checked || tenant.passed;
  why.setAttribute("aria-label", `What did not hold in ${tenant.name}`);
  why.addEventListener("click", () => explain(why, tenant));
  const report = row.querySelector("[data-report]");
  report.hidden = !checked;
  report.href = `/api/v1/tenants/${tenant.id}/isolation/report`;
  report.setAttribute("aria-label", `Signed report of ${tenant.name}`);
  offerCheck(row.querySelector("[data-check]"), tenant);
  return row;
}

function offerCheck(button, tenant) {
  button.hidden = !byId("isolation").dataset.mayManage;
  button.setAttribute("aria-label", `Check ${tenant.name} now`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await post(`/api/v1/tenants/${tenant.id}/isolation/check`);
      notify(`${tenant.name} is being checked. The result appears here by itself, within a minute.`);
      await result(tenant);
    } catch (error) {
      fail(`The check was not asked for: ${error.message}`);
    }
    button.disabled = false;
  });
}

/** Wait for a newer result than the one that is shown, and show it in its row. */
async function result(tenant) {
  for (let tries = 0; tries < 45; tries += 1) {
    await new Promise((done) => setTimeout(done, 2000));
    const { data } = await get(`/api/v1/platform/isolation?q=${encodeURIComponent(tenant.slug)}`);
    const now = data.find((one) => one.id === tenant.id);
    if (now?.checked_at === tenant.checked_at) continue;
    const old = [...rows.children].find((row) => row.dataset.tenantId === tenant.id);
    if (now && old) old.replaceWith(draw(now));
    return sum();
  }
  return notify(`${tenant.name} has not been checked yet. See whether the worker runs, under Jobs.`, "danger");
}

/** Which checks did not hold, as the signed report says; reading it stands in the organisation's trail. */
async function explain(button, tenant) {
  button.disabled = true;
  try {
    const { content } = await get(`/api/v1/tenants/${tenant.id}/isolation/report`);
    const lines = content.checks.filter((check) => !check.passed).map((check) =>
      Object.assign(document.createElement("li"), { textContent: `${check.title}: ${check.found.join(", ")}` }));
    const list = Object.assign(document.createElement("ul"), { className: "small mb-0 mt-1" });
    list.append(...lines);
    button.replaceWith(list);
  } catch (error) {
    button.disabled = false;
    fail(`The report could not be read: ${error.message}`);
  }
}

function fail(text) {
  byId("isolation-error").textContent = text;
  byId("isolation-error").hidden = false;
}
