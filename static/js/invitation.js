// Accepting an invitation: who invites whom, a name, a password, and in.
import { post } from "./api.js";

const byId = (id) => document.getElementById(id);
const token = location.hash.slice(1);

byId("invitation-form").addEventListener("submit", accept);
await look();

async function look() {
  try {
    const { data } = await post("/api/v1/invitations/open", { token }, { stayOn401: true });
    byId("invitation-text").textContent = `${data.organisation} invites you to Onyx.`;
    byId("field-email").value = data.email;
    byId("field-display_name").value = data.display_name;
    byId("invitation-form").hidden = false;
    byId("field-display_name").focus();
  } catch (error) {
    byId("invitation-text").textContent = error.status === 404 || error.status === 422
      ? "This invitation does not hold, or no longer. Ask for a new one." : `The invitation could not be read: ${error.message}`;
  }
}

async function accept(event) {
  event.preventDefault();
  const button = byId("invitation-submit");
  const password = byId("field-password").value;
  button.disabled = true;
  byId("invitation-error").hidden = true;
  try {
    const { data } = await post("/api/v1/invitations/redeem", { token, password, display_name: byId("field-display_name").value }, { stayOn401: true });
    history.replaceState(null, "", location.pathname); // the link is used up: nobody needs it in the history
    await enter(data, password);
  } catch (error) {
    button.disabled = false;
    byId("invitation-error").textContent = error.message;
    byId("invitation-error").hidden = false;
  }
}

/** Sign in with what was just chosen; where something more is asked for, the sign-in page asks. */
async function enter({ email, tenant }, password) {
  try {
    const { data } = await post("/api/v1/auth/login", { email, password, tenant }, { stayOn401: true });
    location.assign(data.landing?.startsWith("/") ? data.landing : "/login");
  } catch {
    location.assign("/login");
  }
}
