// The chat page: ties the sidebar, the messages, the composer, the outbox and the socket together.
import { get, userId } from "./api.js";
import { clearAttachments, watchAttachments } from "./attachments.js";
import { listen } from "./chat-events.js";
import { Chats, isNewTab } from "./chats.js";
import { watchComposer } from "./composer.js";
import { catchUp, fetchMessages } from "./history.js";
import { newId } from "./ids.js";
import { watchMessageTools } from "./message-tools.js";
import { Messages } from "./messages.js";
import { notify } from "./notices.js";
import { Outbox, outboxKey } from "./outbox.js";
import { followEnd } from "./scroll.js";
import { watchSearch } from "./search.js";
import { openSocket, request, showInBadge } from "./socket.js";

const FLUSH_EVERY = 5000; // ms
const OUT_OF_REACH = { error: { message: "Onyx cannot be reached right now. Try again when the badge says “Connected”." } };
const byId = (id) => document.getElementById(id);

const messages = new Messages(byId("messages"));
const chats = new Chats({ open: (id) => open(id), renamed: showTitle, deleted: (id) => id === page.chat && open(null) });
// The tab that empties the outbox may not be the one that shows the message.
const otherTabs = new BroadcastChannel(outboxKey(userId()));
const outbox = new Outbox({
  key: outboxKey(userId()), storage: localStorage, locks: navigator.locks,
  send: deliver,
  onSent: (entry, ack) => {
    otherTabs.postMessage({ entry, ack });
    sent(entry, ack);
  },
  onRefused: (entry, error) => {
    otherTabs.postMessage({ entry, error });
    refused(entry, error);
  },
});
const scroll = followEnd(byId("chat-scroll"), byId("messages").parentElement, byId("jump"));

/** `chat` is the open chat's id, or "new:…" before the server has given it one. */
const page = { chat: null, chats, messages, showTitle, showState, resync, open };

const socket = openSocket(() => {
  resync();
  outbox.flush();
}, showInBadge);
const composer = watchComposer({
  send,
  typing: (yes) => isStored(page.chat) && socket.connected && socket.emit(yes ? "typing:start" : "typing:stop", { sessionId: page.chat }),
});

listen(socket, page);
watchAttachments();
watchSearch({ filter: (text) => chats.setFilter(text), open: (id) => open(id), isListed: (id) => chats.has(id) });
watchMessageTools(byId("messages"), { retry, putBack, openChat: (id) => open(id) });
byId("stop").addEventListener("click", stop);
byId("new-chat").addEventListener("click", (event) => {
  if (isNewTab(event)) return;
  event.preventDefault();
  open(null);
});
byId("welcome").addEventListener("click", (event) => {
  const sample = event.target.closest("[data-sample]");
  if (sample) send(sample.textContent);
});
addEventListener("popstate", () => open(chatInAddress(), { push: false }));
otherTabs.addEventListener("message", ({ data: { entry, ack, error } }) => (ack ? sent(entry, ack) : refused(entry, error)));
setInterval(() => socket.connected && outbox.flush(), FLUSH_EVERY);
chats.load().then(showKnownTitle);
open(chatInAddress() ?? unsentNewChat(), { push: false });

/** Show a chat; null starts a new one. */
async function open(id, { push = true } = {}) {
  const chat = id ?? `new:${newId()}`;
  page.chat = chat;
  const address = isStored(chat) ? `/c/${encodeURIComponent(chat)}` : "/";
  if (push && location.pathname !== address) history.pushState(null, "", address);
  window.tabler?.bootstrap?.Offcanvas?.getInstance(byId("sidebar"))?.hide();
  messages.clear();
  chats.setActive(chat);
  showTitle({ id: chat, title: chats.title(chat) });
  if (isStored(chat) && !(await loadHistory(chat))) return;
  outbox.list().filter((entry) => entry.chat === chat).forEach((entry) => messages.putLocal(entry));
  showState();
  scroll.toEnd();
  composer.focus();
}

/** False when the person has moved on meanwhile, or the chat is not there. */
async function loadHistory(chat) {
  try {
    const stored = await fetchMessages(chat);
    if (page.chat !== chat) return false;
    stored.forEach((message) => messages.put(message));
  } catch (error) {
    if (page.chat !== chat) return false;
    if (error.status === 404) {
      notify("There is no such chat. It may have been deleted.", "danger");
      open(null);
      return false;
    }
    notify(error.message, "danger");
  }
  if (socket.connected) await catchUp(socket, chat, messages, () => page.chat === chat);
  return page.chat === chat;
}

/** Fill what was missed in the open chat, and in the list. */
async function resync() {
  const chat = page.chat;
  chats.load().then(showKnownTitle);
  if (!isStored(chat)) return;
  await catchUp(socket, chat, messages, () => page.chat === chat);
  if (page.chat === chat) showState();
}

function send(content) {
  const entry = { clientId: newId(), chat: page.chat, content, at: new Date().toISOString() };
  outbox.add(entry); // before anything else: from here on it cannot be lost
  messages.putLocal(entry);
  clearAttachments();
  showState();
  scroll.toEnd();
  outbox.flush();
}

async function deliver({ clientId, chat, content }) {
  try {
    if (!socket.connected) throw new Error("not connected");
    const ack = await request(socket, "message:sent", { content, clientId, ...(isStored(chat) && { sessionId: chat }) });
    if (!ack.ok) messages.setLocalStatus(clientId, "waiting", `Not sent yet, it will be tried again: ${ack.error.message}`);
    return ack;
  } catch (error) {
    messages.setLocalStatus(clientId, "waiting");
    throw error;
  }
}

function sent(entry, ack) {
  chats.touch(ack.sessionId, { likelyTitle: entry.content.trim().slice(0, 60) });
  if (page.chat !== entry.chat && page.chat !== ack.sessionId) return;
  messages.acknowledge(entry, ack);
  if (page.chat !== ack.sessionId) adopt(ack.sessionId);
  showState();
}

/** The new chat on the page has got its id. */
function adopt(id) {
  page.chat = id;
  history.replaceState(null, "", `/c/${encodeURIComponent(id)}`);
  chats.setActive(id);
  showTitle({ id, title: chats.title(id) });
  resync();
}

function refused(entry, error) {
  messages.setLocalStatus(entry.clientId, "refused", `Not sent: ${error.message}`);
}

async function stop() {
  const reply = messages.streaming();
  if (!reply) return;
  const ack = await request(socket, "message:stop", { sessionId: page.chat, messageId: reply.message.id }).catch(() => OUT_OF_REACH);
  if (!ack.ok) notify(ack.error.message, "danger");
}

async function retry(messageId) {
  const ack = await request(socket, "message:retry", { sessionId: page.chat, messageId }).catch(() => OUT_OF_REACH);
  if (!ack.ok) return notify(ack.error.message, "danger");
  messages.expect(ack.replyId, ack.replySeq);
  showState();
}

/** A refused message goes back into the composer, to be changed. */
function putBack(clientId) {
  const entry = outbox.list().find((one) => one.clientId === clientId);
  outbox.drop(clientId);
  messages.dropLocal(clientId);
  if (entry) composer.put(entry.content);
  showState();
}

function showTitle({ id, title }) {
  if (id !== page.chat) return;
  byId("chat-title").textContent = title || "New chat";
  document.title = `${title || "New chat"} · Onyx`;
}

/** The list has come: an old chat that is not on its first page is asked for by itself. */
async function showKnownTitle() {
  const id = page.chat;
  if (!isStored(id)) return;
  const chat = chats.has(id) ? { title: chats.title(id) } : await get(`/api/v1/sessions/${encodeURIComponent(id)}`).catch(() => null);
  if (chat) showTitle({ id, title: (chat.data ?? chat).title });
}

function showState() {
  const streaming = Boolean(messages.streaming());
  byId("welcome").hidden = !messages.empty;
  byId("stop").hidden = !streaming;
  const status = streaming ? "Onyx is answering." : messages.empty ? "" : "Ready.";
  if (byId("chat-status").textContent !== status) byId("chat-status").textContent = status;
}

function isStored(chat) {
  return Boolean(chat) && !chat.startsWith("new:");
}

function chatInAddress() {
  return /^\/c\/([^/]+)$/.exec(location.pathname)?.[1] ?? new URLSearchParams(location.search).get("chat");
}

function unsentNewChat() {
  return outbox.list().find((entry) => !isStored(entry.chat))?.chat ?? null;
}
