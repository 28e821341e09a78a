// What is looked for in the list of live sessions: the form, the address of the page, and the same as a body.
import { get } from "./api.js";

const byId = (id) => document.getElementById(id);
const form = byId("filters");
const preset = new URLSearchParams(location.search);
const tenants = new Map(); // short name → id, of those that were offered

/** The filter as a query string's parameters; empty parts are left out. */
export function wanted() {
  const query = new URLSearchParams();
  for (const name of ["user_id", "tenant_id"]) if (preset.get(name)) query.set(name, preset.get(name));
  for (const [name, value] of new FormData(form)) if (value && name !== "tenant") query.set(name, value);
  const [age, seconds] = form.querySelector("select").value.split("=");
  if (age) query.set(age, seconds);
  const named = tenants.get(byId("tenant-filter")?.value.trim().toLowerCase());
  if (named) query.set("tenant_id", named);
  return query;
}

/** The same for POST …/revoke: what is matched, and the organisation that is meant apart from it. */
export function wantedAsBody() {
  const { tenant_id: tenant, ...matching } = Object.fromEntries(wanted());
  for (const name of ["older_than", "younger_than"]) if (matching[name]) matching[name] = Number(matching[name]);
  return { matching, tenant };
}

/** Whether anything but the organisation narrows the list. */
export const isNarrowed = () => Object.keys(wantedAsBody().matching).length > 0;

/** Call `changed` when somebody stops typing. */
export function watchFilters(changed) {
  let waiting = null;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 250);
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.id === "tenant-filter") offerTenants(event.target.value.trim()).then(soon);
    else soon();
  });
}

async function offerTenants(typed) {
  if (!typed || tenants.has(typed.toLowerCase())) return;
  const { data } = await get(`/api/v1/tenants?limit=20&q=${encodeURIComponent(typed)}`).catch(() => ({ data: [] }));
  byId("tenant-names").replaceChildren(...data.map((tenant) => {
    tenants.set(tenant.slug, tenant.id);
    return Object.assign(document.createElement("option"), { value: tenant.slug, label: tenant.name });
  }));
}
