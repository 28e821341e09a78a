// The buttons on messages: try again, put back to edit, copy an answer or a code block, open a cited chat.
import { notify } from "./notices.js";

/** @param {{retry: (messageId: string) => void, putBack: (clientId: string) => void, openChat: (id: string) => void}} acts */
export function watchMessageTools(list, acts) {
  list.addEventListener("click", (event) => {
    const cited = event.target.closest("[data-open-chat]");
    if (cited && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      return acts.openChat(cited.dataset.openChat);
    }
    const button = event.target.closest("button");
    const message = event.target.closest(".message");
    if (!button || !message) return;
    if ("copyCode" in button.dataset) copy(button.closest(".code-block").querySelector("code").textContent);
    else if (button.dataset.act === "retry") acts.retry(message.dataset.messageId);
    else if (button.dataset.act === "edit") acts.putBack(message.dataset.clientId);
    else if (button.dataset.act === "copy") copy(message.querySelector(".message-text").innerText);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notify("Copied.");
  } catch {
    notify("The browser did not allow copying. Select the text and copy it yourself.", "danger");
  }
}
