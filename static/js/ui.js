// What every page has: theme, questions before dangerous things, relative times, notices, signing out.
import { post } from "./api.js";
import { ask, watchConfirmations } from "./dialogs.js";
import { forgetOutbox } from "./outbox.js";
import { watchRelativeTimes } from "./times.js";
import { watchThemeToggles } from "./theme.js";

export { ask } from "./dialogs.js";
export { notify } from "./notices.js";

watchThemeToggles();
watchConfirmations();
watchRelativeTimes();
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-sign-out]")) signOut();
});

async function signOut() {
  const unsent = forgetOutbox.count();
  if (unsent && !(await ask({ title: "Sign out with unsent messages?", action: "Sign out", danger: true,
    text: `${unsent} message${unsent === 1 ? " has" : "s have"} not been sent yet and will be thrown away.` }))) return;
  forgetOutbox();
  try {
    await post("/api/v1/auth/logout", undefined, { stayOn401: true });
  } catch (error) {
    if (error.status !== 401) return reportSignOut(error);
  }
  location.assign("/login?reason=signed_out");
}

async function reportSignOut(error) {
  const { notify } = await import("./notices.js");
  notify(`You are still signed in: ${error.message}`, "danger");
}
