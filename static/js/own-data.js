// Everything about oneself as a file, and the end of one's account.
import { get, post, stayHere } from "./api.js";

const byId = (id) => document.getElementById(id);

byId("download-data").addEventListener("click", async ({ currentTarget }) => {
  const told = byId("download-error");
  told.hidden = true;
  currentTarget.disabled = true;
  const button = currentTarget;
  try {
    await confirmed();
    location.assign("/api/v1/users/me/data");
  } catch (error) {
    told.textContent = error.message;
    told.hidden = false;
  }
  button.disabled = false;
});

byId("erase-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const alert = form.querySelector("[data-form-error]"), button = form.querySelector('[type="submit"]');
  alert.hidden = true;
  button.disabled = true;
  try {
    stayHere(true);
    const { data } = await post("/api/v1/users/me/erase", { email: form.elements.email.value });
    keep(data.certificate);
    form.hidden = true;
    byId("erased").hidden = false;
    byId("certificate").focus();
  } catch (error) {
    stayHere(false);
    alert.textContent = error.message;
    alert.hidden = false;
  }
  button.disabled = false;
});

/** A download cannot ask for a confirmation in between: it is asked for before. */
async function confirmed() {
  const { data } = await get("/api/v1/auth/step-up");
  if (data.fresh) return;
  const { confirmItIsMe } = await import("./step-up.js");
  if (!(await confirmItIsMe())) throw new Error("Nothing was downloaded, since it was not confirmed that it is you.");
}

/** The certificate lives in this page alone: the account that could ask for it again is gone. */
function keep(certificate) {
  const link = byId("certificate");
  link.hidden = !certificate;
  if (!certificate) return;
  link.href = URL.createObjectURL(new Blob([JSON.stringify(certificate, null, 2)], { type: "application/json" }));
}
