// What every page has: theme, questions before dangerous things, relative times, notices, signing out.
import { goToLogin, post, userId } from "./api.js";
import { watchCopying } from "./copying.js";
import { ask, watchConfirmations } from "./dialogs.js";
import { notify, notifyOfBefore } from "./notices.js";
import { forgetOutbox } from "./outbox.js";
import { openSocket } from "./socket.js";
import { watchFreshForms } from "./step-up.js";
import { watchRelativeTimes } from "./times.js";
import { watchThemeToggles } from "./theme.js";

export { ask } from "./dialogs.js";
export { notify } from "./notices.js";

// A page that is open when its session is ended must not stay readable; the chat page opens a socket of its own.
const ownSocket = document.body.matches(".chat-page, .enrol-page"); // one opens its own, the other may not have any
if (userId() && !ownSocket) openSocket();
addEventListener("pageshow", (event) => event.persisted && location.reload()); // "Back" must not show what is over
watchThemeToggles();
watchConfirmations();
watchCopying();
notifyOfBefore();
watchFreshForms();
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
    if (error.status !== 401) return notify(`You are still signed in: ${error.message}`, "danger");
  }
  goToLogin("signed_out");
}
