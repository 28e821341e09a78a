// The messages of the open chat, in the order of their numbers; what has no number yet comes last.
import { MessageView } from "./message-view.js";
import { settledSeq } from "./missed.js";

export class Messages {
  constructor(list) {
    this.list = list;
    this.views = [];
  }

  clear() {
    for (const view of this.views) view.painter.close();
    this.views = [];
    this.list.replaceChildren();
  }

  get empty() {
    return this.views.length === 0;
  }

  /** Add a stored message, or show its newer state; a local copy of the same message is taken over. */
  put(message) {
    const view = this.find(message.id) ?? (message.clientId && this.#local(message.clientId));
    if (!view) return this.#place(new MessageView(message));
    if (isOlder(message, view.message)) return view;
    view.update(message);
    return this.#place(view);
  }

  /** Show what was typed before the server has it. */
  putLocal(entry) {
    if (this.#local(entry.clientId)) return;
    this.#place(new MessageView({
      clientId: entry.clientId, role: "user", content: entry.content, refusal: entry.refused,
      status: entry.refused ? "refused" : "sending",
    }));
  }

  /** The server has it: number it, and expect the reply. */
  acknowledge(entry, ack) {
    const local = this.#local(entry.clientId);
    if (local && this.find(ack.messageId) && this.find(ack.messageId) !== local) this.#drop(local);
    this.put({ id: ack.messageId, clientId: entry.clientId, seq: ack.seq, role: "user", status: "done", content: entry.content });
    if (ack.replyId) this.expect(ack.replyId, ack.replySeq);
  }

  /** Room for a reply whose first words have not come yet. */
  expect(replyId, seq) {
    return this.find(replyId) ?? this.#place(new MessageView({ id: replyId, seq, role: "assistant", status: "pending", content: "" }));
  }

  setLocalStatus(clientId, status, refusal) {
    const view = this.#local(clientId);
    if (view && !view.message.id) view.update({ status, refusal });
  }

  dropLocal(clientId) {
    const view = this.#local(clientId);
    if (view && !view.message.id) this.#drop(view);
  }

  /** What to ask for after a reconnect: what comes after this number. */
  settledSeq() {
    return settledSeq(this.views.map(({ message }) => message));
  }

  streaming() {
    return this.views.findLast((view) => view.message.role === "assistant" && view.message.status === "pending");
  }

  find(id) {
    return id && this.views.find((view) => view.message.id === id);
  }

  #local(clientId) {
    return this.views.find((view) => view.message.clientId === clientId);
  }

  #place(view) {
    const rest = this.views.filter((one) => one !== view);
    const seq = view.message.seq;
    let at = rest.length;
    while (seq && at > 0 && !(rest[at - 1].message.seq && rest[at - 1].message.seq < seq)) at -= 1;
    const unmoved = this.views[at] === view;
    this.views = rest.toSpliced(at, 0, view);
    if (!unmoved) this.list.insertBefore(view.element, rest[at]?.element ?? null);
    this.#markLatest();
    return view;
  }

  #markLatest() {
    const latest = this.views.at(-1);
    for (const view of this.views) view.setLatest(view === latest);
  }

  #drop(view) {
    view.painter.close();
    view.element.remove();
    this.views = this.views.filter((one) => one !== view);
    this.#markLatest();
  }
}

/** A late "pending" must not undo a finished reply. */
function isOlder(fresh, known) {
  return fresh.status === "pending" && known.status !== "pending" && Boolean(known.id);
}
