// <button data-copy="ID"> copies the text of the element with that id: links, passwords and keys that are shown once.
import { notify } from "./notices.js";

export function watchCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button, document.getElementById(button.dataset.copy));
  });
  // Escape must not throw away what is shown only once; the button of the dialog says that it is kept.
  document.getElementById("secret-dialog")?.addEventListener("cancel", (event) => event.preventDefault());
}

async function copy(button, place) {
  try {
    await navigator.clipboard.writeText(place.textContent);
    say(button, "Copied");
  } catch {
    getSelection().selectAllChildren(place); // no clipboard without TLS: at least it is marked
    say(button, "Marked: press Ctrl-C");
  }
}

/** On the button too, since a notice lies behind an open dialog. */
function say(button, words) {
  const text = button.querySelector("[data-words]");
  notify(`${words}.`);
  text.textContent = words;
  setTimeout(() => { text.textContent = "Copy"; }, 4000);
}
