// What the server tells about chats as it happens, here and on the person's other devices.
import { catchUp, fromEvent } from "./history.js";

const TYPING_FOR = 6000; // ms that a "typing" signal is believed without another one

/** Wire the socket's events to the page ({chat, chats, messages, showTitle, showState, resync, open}). */
export function listen(socket, page) {
  socket.on("message:received", (event) => {
    page.chats.touch(event.sessionId, { timestamp: event.timestamp });
    if (event.sessionId !== page.chat) return;
    page.messages.put(fromEvent(event));
    page.showState();
  });
  socket.on("message:delta", (event) => event.sessionId === page.chat && grow(socket, page, event));
  socket.on("session:created", ({ sessionId, title, timestamp }) => page.chats.touch(sessionId, { title, timestamp }));
  socket.on("session:updated", ({ sessionId, title }) => {
    if (!title) return;
    page.chats.retitle(sessionId, title);
    page.showTitle({ id: sessionId, title });
  });
  socket.on("chats:changed", () => page.chats.load());
  socket.on("session:deleted", ({ sessionId }) => {
    page.chats.forget(sessionId);
    if (sessionId === page.chat) page.open(null);
  });
  listenForTyping(socket, page);
}

let filling = false;

async function grow(socket, page, { messageId, offset, text }) {
  const known = page.messages.find(messageId);
  const view = known ?? page.messages.expect(messageId);
  if (!known) page.showState();
  if (view.grow(offset, text) !== "gap" || filling) return;
  filling = true;
  const chat = page.chat;
  await catchUp(socket, chat, page.messages, () => page.chat === chat);
  filling = false;
}

function listenForTyping(socket, page) {
  const line = document.getElementById("typing");
  let timer = null;
  socket.on("typing", ({ sessionId, typing }) => {
    if (sessionId !== page.chat) return;
    clearTimeout(timer);
    line.hidden = !typing;
    if (typing) timer = setTimeout(() => (line.hidden = true), TYPING_FOR);
  });
}
