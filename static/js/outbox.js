// What was typed stays in localStorage until the server has stored it (or refused it for good).
// The key carries the user id, so that two people on one machine never see each other's words.
import { userId } from "./api.js";

const PREFIX = "onyx.outbox.";

/** Entries are {clientId, chat, content, at, refused?}; `chat` is a chat's id, or "new:…" before it has one. */
export class Outbox {
  /**
   * @param {{key: string, storage: Storage, send: (entry: object) => Promise<object>,
   *          onSent: (entry: object, ack: object) => void, onRefused: (entry: object, error: object) => void,
   *          locks?: LockManager}} parts `send` resolves to the acknowledgement and rejects when there is none.
   */
  constructor({ key, storage, send, onSent, onRefused, locks }) {
    Object.assign(this, { key, storage, send, onSent, onRefused, locks });
  }

  list() {
    return read(this.storage, this.key);
  }

  add(entry) {
    this.#write([...this.list(), entry]);
  }

  drop(clientId) {
    this.#write(this.list().filter((entry) => entry.clientId !== clientId));
  }

  /** Send everything that waits, in order, in one tab at a time; calls during a run make it look once more. */
  async flush() {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.again) {
        this.again = false;
        await this.#inOneTab();
      }
    } finally {
      this.busy = false;
    }
  }

  async #inOneTab() {
    if (!this.locks) return this.#sendWaiting();
    return this.locks.request(this.key, { ifAvailable: true }, (lock) => (lock ? this.#sendWaiting() : undefined));
  }

  async #sendWaiting() {
    for (;;) {
      const entry = this.list().find((waiting) => !waiting.refused);
      if (!entry) return;
      let ack;
      try {
        ack = await this.send(entry);
      } catch {
        return; // no acknowledgement in time: it stays, and the server knows it by its clientId
      }
      if (!this.#settle(entry, ack)) return;
    }
  }

  /** True when the entry is dealt with, false when it has to wait for the next flush. */
  #settle(entry, ack) {
    if (ack?.ok) {
      this.drop(entry.clientId);
      this.#adopt(entry.chat, ack.sessionId);
      this.onSent(entry, ack);
      return true;
    }
    if (ack?.error?.retry !== false) return false;
    this.#write(this.list().map((one) => (one.clientId === entry.clientId ? { ...one, refused: ack.error.message } : one)));
    this.onRefused(entry, ack.error);
    return true;
  }

  /** Messages typed into a chat that had no id yet follow the first one into it. */
  #adopt(chat, sessionId) {
    if (chat === sessionId) return;
    this.#write(this.list().map((entry) => (entry.chat === chat ? { ...entry, chat: sessionId } : entry)));
  }

  #write(entries) {
    if (entries.length) this.storage.setItem(this.key, JSON.stringify(entries));
    else this.storage.removeItem(this.key);
  }
}

export function outboxKey(user = userId()) {
  return PREFIX + user;
}

/** Throw away what the signed-in person has not sent: at sign-out. */
export function forgetOutbox() {
  localStorage.removeItem(outboxKey());
}

forgetOutbox.count = () => read(localStorage, outboxKey()).filter((entry) => !entry.refused).length;

function read(storage, key) {
  try {
    const entries = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}
