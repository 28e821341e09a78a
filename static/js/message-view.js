// One message on the page. `data-role`, `data-status` and `data-seq` are what the style and the tests go by.
import { citationsOf } from "./citations.js";
import { render } from "./markdown.js";
import { Painter } from "./painter.js";
import { Reply } from "./reply.js";

const NOTES = {
  waiting: "Waiting to be sent. It is kept on this device until Onyx has it.",
  stopped: "Stopped before the end.",
  failed: "The answer could not be finished. Your question is safe.",
};
const PARTS = ["sources", "label", "note", "retry", "edit", "copy"];
const WHO = { user: "You:", assistant: "Onyx:", system: "Note:" };

export class MessageView {
  /** `message`: {id?, clientId?, seq?, role, status, content, metadata?}. */
  constructor(message) {
    const piece = document.getElementById("message-piece").content.cloneNode(true);
    this.element = piece.querySelector("li");
    this.parts = Object.fromEntries(PARTS.map((name) => [name, piece.querySelector(`[data-part="${name}"]`)]));
    this.reply = new Reply();
    this.painter = new Painter((text) => this.#markdown(text));
    this.update(message);
  }

  /** Show a newer state of the same message; fields that are missing stay as they were. */
  update(message) {
    this.message = { metadata: {}, ...this.message, ...message };
    const { id, clientId, seq, role, status, content } = this.message;
    const data = this.element.dataset;
    data.role = role;
    data.status = status;
    if (seq) data.seq = seq;
    if (id) data.messageId = id;
    if (clientId) data.clientId = clientId;
    this.#part(".message-who").textContent = WHO[role] ?? "";
    if (role === "assistant" && status === "pending") this.reply.reset(content ?? "");
    else this.painter.close();
    this.#text(role === "assistant" && status === "pending" ? this.reply.text : content);
    this.#foot();
  }

  /** Only the latest message of a chat can be answered anew. */
  setLatest(latest) {
    if (this.latest === latest) return;
    this.latest = latest;
    this.#tools();
  }

  /** Add streamed text; answers "grown", "known" or "gap". */
  grow(offset, text) {
    if (this.message.status !== "pending") return "known";
    const result = this.reply.add(offset, text);
    if (result === "grown") {
      this.#part(".message-wait").hidden = true;
      this.painter.want(this.reply.text);
    }
    return result;
  }

  /** Take the text so far, as told after a reconnect. */
  catchUp(text) {
    if (this.message.status !== "pending") return;
    this.reply.reset(text);
    this.#text(this.reply.text);
  }

  #text(text = "") {
    const { role, status } = this.message;
    this.#part(".message-wait").hidden = !(status === "pending" && !text);
    if (role === "assistant") this.#markdown(text);
    else this.#part(".message-text").textContent = text;
  }

  #markdown(text) {
    const fragment = render(text);
    fragment.querySelectorAll("pre").forEach(frameCode);
    this.#part(".message-text").replaceChildren(fragment);
  }

  /** Only what applies is in the page: a hidden button would still be found by scripts and tests. */
  #foot() {
    const { role, status, metadata, refusal, content } = this.message;
    const { sources, label, note } = this.parts;
    const isReply = role === "assistant";
    const settled = status !== "pending";
    const citations = isReply && settled ? citationsOf(metadata) : [];
    this.element.setAttribute("aria-busy", String(!settled));
    sources.querySelector(".citations").replaceChildren(...citations);
    label.textContent = (isReply && settled && content && metadata?.label) || "";
    note.textContent = refusal || (status === "failed" && metadata?.error?.message) || NOTES[status] || "";
    this.#part(".message-foot").replaceChildren(...[
      citations.length && sources, label.textContent && label, note.textContent && note].filter(Boolean));
    this.#tools();
  }

  #tools() {
    const { role, status, content } = this.message;
    const { retry, edit, copy } = this.parts;
    const isReply = role === "assistant" && status !== "pending";
    this.#part(".message-tools").replaceChildren(...[
      isReply && this.latest && status !== "done" && retry,
      status === "refused" && edit, isReply && content && copy].filter(Boolean));
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

/** Give a code block its frame with the language and a copy button. */
function frameCode(pre) {
  const language = /language-([\w+#.-]+)/.exec(pre.firstElementChild?.className ?? "")?.[1] ?? "text";
  const head = Object.assign(document.createElement("div"), { className: "code-head" });
  head.append(language, document.getElementById("copy-piece").content.cloneNode(true));
  const frame = Object.assign(document.createElement("div"), { className: "code-block" });
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  frame.append(head, pre);
}
