// Files attached in the composer: uploaded at once, from then on the assistant can quote them.
import { upload, whyNot } from "./upload.js";

/** Watch the paper clip and files dropped or pasted onto the composer. */
export function watchAttachments() {
  const input = document.getElementById("attach");
  if (!input) return; // this person may not add files
  const form = document.getElementById("composer");
  input.addEventListener("change", () => {
    for (const file of input.files) attach(file);
    input.value = "";
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer.files) attach(file);
  });
  form.addEventListener("paste", (event) => {
    for (const file of event.clipboardData.files) attach(file);
  });
}

/** The chips of finished uploads have said what they had to say once a message goes out. */
export function clearAttachments() {
  for (const chip of document.querySelectorAll('#attachments [data-state="done"], #attachments [data-state="failed"]')) chip.remove();
}

async function attach(file) {
  const chip = document.createElement("li");
  chip.className = "attachment";
  chip.dataset.testid = "attachment";
  document.getElementById("attachments").append(chip);
  const say = (state, words) => {
    chip.dataset.state = state;
    chip.textContent = `${file.name}: ${words}`;
  };
  const refusal = whyNot(file);
  if (refusal) return say("failed", refusal);
  say("uploading", "0 %");
  try {
    await upload(file, (part) => say("uploading", part < 1 ? `${Math.round(part * 100)} %` : "being read…"));
    say("done", "added to your files, answers can quote it");
  } catch (error) {
    say("failed", error.message);
  }
}
