// What the server has of a chat: the stored messages, and what was missed while the socket was away.
import { get } from "./api.js";
import { fill } from "./missed.js";
import { request } from "./socket.js";

const PAGE = 200;

/** All messages of a chat, oldest first. */
export async function fetchMessages(chat) {
  const all = [];
  let next = null;
  do {
    const rest = next ? `&after=${encodeURIComponent(next)}` : "";
    const answer = await get(`/api/v1/sessions/${encodeURIComponent(chat)}/messages?limit=${PAGE}${rest}`);
    all.push(...answer.data);
    next = answer.data.length ? answer.next : null;
  } while (next);
  return all;
}

/** Put what came after the last settled message, and the words that running replies have so far. */
export async function catchUp(socket, chat, messages, isWanted = () => true) {
  const ask = (afterSeq) => request(socket, "session:join", { sessionId: chat, afterSeq });
  await fill(ask, messages.settledSeq(), (ack) => {
    if (!isWanted()) return false;
    for (const event of ack.messages) messages.put(fromEvent(event));
    for (const { messageId, text } of ack.replies) messages.expect(messageId).catchUp(text);
    return true;
  });
}

/** A socket event's camelCase message in the shape that the API has. */
export function fromEvent({ messageId, clientId, seq, role, status, content, metadata, timestamp, parentId }) {
  const message = { id: messageId, clientId, seq, role, status, content, metadata, parent_id: parentId, created_at: timestamp };
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value != null));
}
