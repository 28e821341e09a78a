// Search in the sidebar: titles are filtered at once, the words inside chats are asked from the server.
import { get } from "./api.js";

const PAUSE = 250; // ms after the last key

/**
 * `isListed` tells whether a chat is in the list, where its title is filtered already.
 * @param {{filter: (text: string) => void, open: (id: string) => void, isListed: (id: string) => boolean}} acts
 */
export function watchSearch(acts) {
  const input = document.getElementById("chat-search");
  const box = document.getElementById("chat-hits");
  let timer = null;
  let asked = null;
  input.addEventListener("input", () => {
    acts.filter(input.value);
    clearTimeout(timer);
    asked?.abort();
    box.replaceChildren();
    const words = input.value.trim();
    if (words.length < 2) return;
    timer = setTimeout(() => {
      asked = new AbortController();
      showHits(box, words, acts.isListed, asked.signal);
    }, PAUSE);
  });
  box.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-chat-id]");
    if (!hit || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    acts.open(hit.dataset.chatId);
  });
}

async function showHits(box, words, isListed, signal) {
  try {
    const answer = await get(`/api/v1/search?q=${encodeURIComponent(words)}`, { signal });
    const hits = firstOfEach(answer.data.filter((hit) => hit.kind !== "chat" || !isListed(hit.session_id)));
    const title = hits.length ? "Found inside" : `Nothing inside your chats and files matches “${words}”.`;
    const head = Object.assign(document.createElement("h2"), { className: "side-title", textContent: title });
    const list = document.createElement("ul");
    list.append(...hits.map(row));
    box.replaceChildren(head, list);
  } catch (error) {
    if (error.name === "AbortError") return;
    box.replaceChildren(Object.assign(document.createElement("p"), { className: "side-note", textContent: error.message }));
  }
}

/** The best hit in each chat and file. */
function firstOfEach(hits) {
  const seen = new Set();
  return hits.filter((hit) => !seen.has(hit.session_id ?? hit.id) && seen.add(hit.session_id ?? hit.id));
}

function row(hit) {
  const isFile = hit.kind === "file";
  const item = Object.assign(document.createElement("li"), { className: "chat-item" });
  const link = Object.assign(document.createElement("a"), { className: "chat-link" });
  link.dataset.testid = "search-hit";
  const id = hit.session_id ?? hit.id;
  link.href = isFile ? `/files?open=${encodeURIComponent(hit.id)}` : `/c/${encodeURIComponent(id)}`;
  if (!isFile) link.dataset.chatId = id;
  link.append(line("chat-name", `${isFile ? "File: " : ""}${hit.title || "Untitled"}`), excerptLine(hit.excerpt ?? ""));
  item.append(link);
  return item;
}

/** The server marks the found words with « and ». */
function excerptLine(text) {
  const element = line("hit-text", "");
  element.append(...text.split(/[«»]/).map((part, index) =>
    index % 2 ? Object.assign(document.createElement("mark"), { textContent: part }) : part));
  return element;
}

function line(className, textContent) {
  return Object.assign(document.createElement("span"), { className, textContent });
}
