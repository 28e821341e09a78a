// Ending live sessions: one, a person's, those selected, all that a filter finds, all. Each shows its receipt.
import { goToLogin, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { showReceipt } from "./admin-receipt.js";
import { wantedAsBody } from "./admin-session-filters.js";

const place = document.getElementById("sessions");
const { api, slug } = place.dataset;
const across = Boolean(place.dataset.across);

export async function endOne(session) {
  const yes = await ask({ title: "End this session?", action: "End session", danger: true,
    text: session.current ? "This is your own session: you will be signed out here." : `${session.email} on ${session.device} will be signed out at once, and open tabs close.` });
  if (!yes) return false;
  const where = across ? `?tenant_id=${session.tenant.id}` : "";
  const { data } = await remove(`${api}/${session.id}${where}`);
  await showReceipt({ ended: data.ended, revocations: [data.revocation] });
  if (session.current) goToLogin("revoked_by_admin");
  return true;
}

export async function endPerson(session) {
  const yes = await ask({ title: "End all sessions of this person?", action: "End all", danger: true,
    text: `${session.email} will be signed out on every device at once.` });
  return yes && revoke({ user_id: session.user_id, ...(across ? { tenant_id: session.tenant.id } : {}) });
}

export async function endSelected(sessions) {
  const yes = await ask({ title: `End ${sessions.length} selected session${sessions.length === 1 ? "" : "s"}?`, action: "End selected", danger: true,
    text: "They will be signed out at once, and open tabs close." });
  return yes && revoke({ ids: sessions.map((session) => session.id) });
}

/** All that the filter finds, seen or not: the short name has to be typed. */
export async function endMatching(count) {
  const { matching, tenant } = wantedAsBody();
  const confirm = await typed(`End ${count} session${count === "1" ? "" : "s"} that the filter finds?`, "Also those that this page does not show.");
  if (!confirm) return false;
  const body = { matching, confirm, ...(tenant ? { tenant_id: tenant } : {}) };
  let whole = { ended: 0, revocations: [] };
  for (let after = null; after !== undefined; ) {
    const { data } = await post(`${api}/revoke`, after ? { ...body, after } : body);
    whole = { ended: whole.ended + data.ended, revocations: [...whole.revocations, ...data.revocations] };
    after = data.next ?? undefined;
  }
  await showReceipt(whole);
  return true;
}

export async function endAll() {
  const confirm = await typed("End all other sessions?", "Everybody in the organisation, except you here, will be signed out at once.");
  return confirm && revoke({ all: true, confirm });
}

async function typed(title, text) {
  return ask({ title, text, action: "End all", danger: true, input: { label: `Type ${slug} to confirm`, value: "" } });
}

async function revoke(body) {
  const { data } = await post(`${api}/revoke`, body);
  await showReceipt(data);
  return true;
}
