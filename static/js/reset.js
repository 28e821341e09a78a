// A new password by link: the token stands behind #, is taken out of the address at once and sent only when it is used.
import { post } from "./api.js";

const byId = (id) => document.getElementById(id);
const token = location.hash.slice(1);
if (token) history.replaceState(null, "", location.pathname);
byId(token ? "reset-form" : "ask-form").hidden = false;

watch(byId("ask-form"), async ({ email }) => {
  if (!email.trim()) throw new Error("Enter your e-mail.");
  await post("/api/v1/auth/password/reset-request", { email: email.trim() }, { stayOn401: true });
  byId("ask-form").hidden = true;
  byId("reset-asked").hidden = false;
});

watch(byId("reset-form"), async (values) => {
  if (!values.new) throw new Error("Enter a new password.");
  if (values.new !== values.again) throw new Error("The two passwords differ.");
  const { data } = await post("/api/v1/auth/password/reset", { token, new: values.new }, { stayOn401: true });
  location.assign(`/login?reason=${data.api_keys_revoked ? "password_set_keys" : "password_set"}`);
});

function watch(form, act) {
  if (!form.matches("form")) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector('[type="submit"]');
    button.disabled = true;
    fail("");
    try {
      await act(Object.fromEntries(new FormData(form)));
    } catch (error) {
      fail(error.message);
    }
    button.disabled = false;
  });
}

function fail(message) {
  byId("reset-error").textContent = message;
  byId("reset-error").hidden = !message;
}
