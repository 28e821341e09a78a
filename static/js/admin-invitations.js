// Invitations: made with roles, their link shown once, withdrawn while nobody has used them.
import { get, post, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { watchLive } from "./live-stats.js";
import { notify } from "./notices.js";
import { timeElement } from "./times.js";

const byId = (id) => document.getElementById(id);
const rows = byId("invitation-rows");
let next = null;

watchLive({});
byId("invite")?.addEventListener("click", open);
byId("invite-cancel").addEventListener("click", () => byId("invite-dialog").close());
byId("invite-form").addEventListener("submit", invite);
byId("invitations-more").addEventListener("click", () => load(next));
await load();

async function load(after = null) {
  try {
    const answer = await get(`/api/v1/invitations${after ? `?after=${after}` : ""}`);
    const drawn = answer.data.map(draw);
    if (after) rows.append(...drawn);
    else rows.replaceChildren(...drawn);
    next = answer.next;
    byId("invitations-error").hidden = true;
  } catch (error) {
    fail(byId("invitations-error"), `The invitations could not be listed: ${error.message}`);
  }
  byId("invitations-footer").hidden = !next;
  byId("invitations-note").textContent = rows.children.length ? "Who accepts one appears among the people." : "No invitation is open. Invite somebody: with the link they choose their password, and appear among the people.";
}

function draw(invitation) {
  const row = byId("invitation-piece").content.cloneNode(true).querySelector("tr");
  row.querySelector(".who-name").textContent = invitation.display_name || invitation.email;
  row.querySelector(".who-mail").textContent = invitation.email;
  row.querySelector(".invitation-roles").textContent = invitation.roles.join(", ").replaceAll("_", " ");
  row.querySelector(".invitation-by").textContent = invitation.invited_by;
  row.querySelector(".invitation-end").append(invitation.state === "expired" ? "expired " : "", timeElement(invitation.expires_at));
  const button = row.querySelector("button");
  button.hidden = !byId("invitations").dataset.mayManage;
  button.setAttribute("aria-label", `Withdraw the invitation of ${invitation.email}`);
  button.addEventListener("click", () => withdraw(invitation));
  return row;
}

async function open() {
  try {
    const { data } = await get("/api/v1/roles");
    byId("invite-roles").replaceChildren(...data.map(choice));
    byId("invite-error").hidden = true;
    byId("invite-dialog").showModal();
  } catch (error) {
    fail(byId("invitations-error"), `The roles could not be read: ${error.message}`);
  }
}

function choice(role) {
  const label = document.createElement("label");
  label.className = "form-check";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "roles", value: role.key, className: "form-check-input" });
  box.checked = role.key === "user";
  const text = Object.assign(document.createElement("span"), { className: "form-check-label", textContent: role.name });
  text.append(Object.assign(document.createElement("span"), { className: "form-check-description", textContent: role.description }));
  label.append(box, text);
  return label;
}

async function invite(event) {
  event.preventDefault();
  const fields = new FormData(event.target);
  const body = { email: fields.get("email"), display_name: fields.get("display_name"), roles: fields.getAll("roles"), days: Number(fields.get("days")) };
  try {
    const { data } = await post("/api/v1/invitations", body);
    byId("invite-dialog").close();
    event.target.reset();
    if (data.mailed) notify(`A mail with the link is on its way to ${data.email}.`);
    else show(data);
    await load();
  } catch (error) {
    fail(byId("invite-error"), `Nobody was invited: ${error.message}`);
  }
}

/** Without mail the link is shown, once. */
function show(data) {
  byId("secret").textContent = data.link;
  byId("secret-text").textContent = `Hand it to ${data.email} in a safe way: whoever opens it first has the account. It is shown only now, and works once.`;
  byId("secret-dialog").showModal();
}

async function withdraw(invitation) {
  const yes = await ask({ title: "Withdraw this invitation?", action: "Withdraw", danger: true, text: `The link of ${invitation.email} stops working.` });
  if (!yes) return;
  try {
    await remove(`/api/v1/invitations/${invitation.id}`);
    notify("The link does not work any more.");
  } catch (error) {
    notify(`Nothing was withdrawn: ${error.message}`, "danger");
  }
  await load();
}

function fail(place, text) {
  place.textContent = text;
  place.hidden = false;
}
