// The list of chats in the sidebar: grouped by day, filtered while typing, renamed and deleted in place.
import { get, patch, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { notify } from "./notices.js";

const PAGE = 50;
const DAY = 24 * 3600 * 1000;

export class Chats {
  /** @param {{open: (id: string) => void, renamed: (chat: object) => void, deleted: (id: string) => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.chats = new Map();
    this.next = null;
    this.filter = "";
    this.active = null;
    this.box = document.getElementById("chat-list");
    this.note = document.getElementById("chat-list-note");
    this.older = document.getElementById("older-chats");
    this.older.addEventListener("click", () => this.#fetchPage(this.next));
    this.box.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Load the newest chats afresh. */
  async load() {
    await this.#fetchPage(null);
  }

  title(id) {
    return this.chats.get(id)?.title || "New chat";
  }

  has(id) {
    return this.chats.has(id);
  }

  setActive(id) {
    this.active = id;
    this.#draw();
  }

  setFilter(text) {
    this.filter = text.trim().toLocaleLowerCase();
    this.#draw();
  }

  /** Something happened in a chat: it moves to the top, perhaps with a new title. */
  touch(id, { title, likelyTitle, timestamp } = {}) {
    const known = this.chats.get(id) ?? { id };
    this.chats.set(id, { ...known, title: title ?? known.title ?? likelyTitle, last_message_at: timestamp ?? new Date().toISOString() });
    this.#draw();
  }

  retitle(id, title) {
    const known = this.chats.get(id);
    if (!known || !title) return;
    known.title = title;
    this.#draw();
  }

  forget(id) {
    this.chats.delete(id);
    this.#draw();
  }

  async #fetchPage(cursor) {
    try {
      const answer = await get(`/api/v1/sessions?limit=${PAGE}${cursor ? `&after=${encodeURIComponent(cursor)}` : ""}`);
      if (!cursor) this.chats.clear();
      for (const chat of answer.data) this.chats.set(chat.id, chat);
      this.next = answer.next ?? null;
      this.failed = null;
    } catch (error) {
      this.failed = error.message;
    }
    this.older.hidden = !this.next;
    this.#draw();
  }

  #draw() {
    const shown = [...this.chats.values()]
      .filter((chat) => !this.filter || (chat.title ?? "").toLocaleLowerCase().includes(this.filter))
      .sort((a, b) => moment(b) - moment(a));
    const groups = Map.groupBy(shown, (chat) => groupOf(moment(chat)));
    this.box.replaceChildren(...[...groups].flatMap(([name, chats]) => [heading(name), this.#group(name, chats)]));
    this.note.textContent = this.failed ?? this.#emptyWords(shown.length);
  }

  #emptyWords(count) {
    if (count) return "";
    return this.filter ? "No chat has this in its title." : "No chats yet. What you ask will be kept here.";
  }

  #group(name, chats) {
    const list = document.createElement("ul");
    list.setAttribute("aria-label", name);
    list.append(...chats.map((chat) => this.#item(chat)));
    return list;
  }

  #item(chat) {
    const item = document.getElementById("chat-piece").content.cloneNode(true).querySelector("li");
    const link = item.querySelector("a");
    const title = chat.title || "New chat";
    item.dataset.chatId = chat.id;
    item.querySelector(".chat-name").textContent = title;
    item.querySelector(".chat-more").setAttribute("aria-label", `Rename or delete “${title}”`);
    link.href = `/c/${encodeURIComponent(chat.id)}`;
    link.title = chat.preview || title;
    if (chat.id === this.active) {
      item.classList.add("active");
      link.setAttribute("aria-current", "page");
    }
    return item;
  }

  #clicked(event) {
    const item = event.target.closest(".chat-item");
    if (!item) return;
    const chat = this.chats.get(item.dataset.chatId);
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act === "rename") this.#rename(chat);
    else if (act === "delete") this.#delete(chat);
    else if (event.target.closest("a") && !isNewTab(event)) {
      event.preventDefault();
      this.acts.open(chat.id);
    }
  }

  async #rename(chat) {
    const title = await ask({ title: "Rename this chat", action: "Rename", input: { label: "Title", value: chat.title ?? "" } });
    if (!title || title === chat.title) return;
    try {
      await patch(`/api/v1/sessions/${chat.id}`, { title });
      this.retitle(chat.id, title);
      this.acts.renamed({ id: chat.id, title });
    } catch (error) {
      notify(`The chat keeps its title: ${error.message}`, "danger");
    }
  }

  async #delete(chat) {
    const yes = await ask({ title: `Delete “${chat.title || "New chat"}”?`, action: "Delete", danger: true,
      text: "All its messages are deleted too. This cannot be undone." });
    if (!yes) return;
    try {
      await remove(`/api/v1/sessions/${chat.id}`);
      this.forget(chat.id);
      this.acts.deleted(chat.id);
    } catch (error) {
      notify(`The chat was not deleted: ${error.message}`, "danger");
    }
  }
}

export function isNewTab(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1;
}

function moment(chat) {
  return new Date(chat.last_message_at ?? chat.created_at ?? 0).getTime();
}

function groupOf(time) {
  const today = new Date().setHours(0, 0, 0, 0);
  if (time >= today) return "Today";
  return time >= today - DAY ? "Yesterday" : "Earlier";
}

function heading(text) {
  return Object.assign(document.createElement("h2"), { className: "side-title", textContent: text });
}
