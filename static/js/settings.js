// Profile, theme and password.
import { patch, post } from "./api.js";
import { notify } from "./notices.js";
import { currentTheme, setTheme } from "./theme.js";

const byId = (id) => document.getElementById(id);

watchForm(byId("profile-form"), async ({ display_name }) => {
  if (!display_name.trim()) throw new Error("Your name cannot be empty.");
  await patch("/api/v1/users/me", { display_name: display_name.trim() });
  document.querySelectorAll(".person-name").forEach((name) => (name.textContent = display_name.trim()));
  notify("Your name was saved.");
});

watchForm(byId("password-form"), async (values, form) => {
  if (!values.current || !values.new) throw new Error("Fill in the current and the new password.");
  if (values.new !== values.again) throw new Error("The two new passwords differ.");
  const sent = { current: values.current, new: values.new, revoke_keys: values.revoke_keys === "on" };
  const { data } = await post("/api/v1/auth/password", sent, { stayOn401: true });
  form.reset();
  notify(`Your password was changed. Other devices have been signed out.${data.api_keys_revoked ? " Your API keys were revoked." : ""}`);
});

byId("theme-choices").addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-pick]")?.dataset.themePick;
  if (!choice) return;
  setTheme(choice);
  keepTheme(choice);
});
document.addEventListener("onyx:theme", showChoice);
showChoice();

/** Run `save` on submit; what it throws is shown in the form. */
function watchForm(form, save) {
  const alert = form.querySelector("[data-form-error]");
  const button = form.querySelector('[type="submit"]');
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    alert.hidden = true;
    button.disabled = true;
    try {
      await save(Object.fromEntries(new FormData(form)), form);
    } catch (error) {
      alert.textContent = error.message;
      alert.hidden = false;
    }
    button.disabled = false;
  });
}

function showChoice() {
  for (const button of document.querySelectorAll("[data-theme-pick]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themePick === currentTheme()));
  }
}

/** The cookie serves this browser; the preference is kept for the person's other devices. */
async function keepTheme(theme) {
  try {
    await patch("/api/v1/users/me", { preferences: { theme } });
  } catch (error) {
    notify(`The theme is set in this browser only: ${error.message}`, "danger");
  }
}
