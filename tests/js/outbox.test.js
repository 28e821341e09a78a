import assert from "node:assert/strict";
import test from "node:test";
import { Outbox, outboxKey } from "../../static/js/outbox.js";

/** The part of the browser's Storage that the outbox uses. */
class Shelf extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }

  setItem(key, value) {
    this.set(key, value);
  }

  removeItem(key) {
    this.delete(key);
  }
}

function outboxWith(answers, storage = new Shelf()) {
  const log = { delivered: [], sent: [], refused: [] };
  const send = async (entry) => {
    log.delivered.push([entry.clientId, entry.chat]);
    const answer = answers.shift();
    if (answer instanceof Error || answer === undefined) throw answer ?? new Error("offline");
    return answer;
  };
  const outbox = new Outbox({
    key: outboxKey("alice"), storage, send,
    onSent: (entry) => log.sent.push(entry.clientId),
    onRefused: (entry, error) => log.refused.push([entry.clientId, error.message]),
  });
  return { outbox, log, storage };
}

const entry = (clientId, chat = "chat-1") => ({ clientId, chat, content: clientId, at: "2026-01-01T00:00:00Z" });

test("what could not be sent is kept, also for the next page load, and goes out in order", async () => {
  const first = outboxWith([]);
  first.outbox.add(entry("a"));
  first.outbox.add(entry("b"));
  await first.outbox.flush();
  assert.equal(first.outbox.list().length, 2);

  const ok = { ok: true, sessionId: "chat-1" };
  const second = outboxWith([ok, ok], first.storage);
  await second.outbox.flush();
  assert.deepEqual(second.log.sent, ["a", "b"]);
  assert.equal(second.storage.size, 0);
});

test("messages typed into a new chat follow the first one into it", async () => {
  const { outbox, log } = outboxWith([{ ok: true, sessionId: "chat-9" }, { ok: true, sessionId: "chat-9" }]);
  outbox.add(entry("a", "new:1"));
  outbox.add(entry("b", "new:1"));
  await outbox.flush();
  assert.deepEqual(log.delivered, [["a", "new:1"], ["b", "chat-9"]]);
});

test("a refusal for good is marked and does not hold up the rest", async () => {
  const { outbox, log } = outboxWith([{ ok: false, error: { message: "Too long.", retry: false } }, { ok: true, sessionId: "chat-1" }]);
  outbox.add(entry("a"));
  outbox.add(entry("b"));
  await outbox.flush();
  assert.deepEqual(log.refused, [["a", "Too long."]]);
  assert.deepEqual(outbox.list().map((one) => [one.clientId, one.refused]), [["a", "Too long."]]);
  await outbox.flush();
  assert.equal(log.delivered.length, 2);
});

test("a refusal that may pass keeps the message and the order", async () => {
  const { outbox, log } = outboxWith([{ ok: false, error: { message: "Busy.", retry: true } }]);
  outbox.add(entry("a"));
  outbox.add(entry("b"));
  await outbox.flush();
  assert.deepEqual(log.delivered, [["a", "chat-1"]]);
  assert.equal(outbox.list().length, 2);
});

test("each person has an outbox of their own", () => {
  const { outbox, storage } = outboxWith([]);
  outbox.add(entry("a"));
  assert.notEqual(outboxKey("alice"), outboxKey("mallory"));
  assert.deepEqual([...storage.keys()], [outboxKey("alice")]);
});
