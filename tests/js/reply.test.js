import assert from "node:assert/strict";
import test from "node:test";
import { Reply } from "../../static/js/reply.js";

test("deltas are joined in order and repeated ones change nothing", () => {
  const reply = new Reply();
  assert.equal(reply.add(0, "Hello"), "grown");
  assert.equal(reply.add(0, "Hello"), "known");
  assert.equal(reply.add(3, "lo you"), "grown");
  assert.equal(reply.text, "Hello you");
});

test("offsets count code points, as Python does", () => {
  const reply = new Reply();
  reply.add(0, "🎉 é ");
  assert.equal(reply.add(4, "👩‍🚀!"), "grown");
  assert.equal(reply.add(8, "?"), "grown");
  assert.equal(reply.text, "🎉 é 👩‍🚀!?");
});

test("a gap is told and adds nothing", () => {
  const reply = new Reply("abc");
  assert.equal(reply.add(5, "x"), "gap");
  assert.equal(reply.text, "abc");
});

test("an older, shorter text from a reconnect does not shorten the reply", () => {
  const reply = new Reply("abcdef");
  reply.reset("abc");
  assert.equal(reply.text, "abcdef");
  reply.reset("abcdefgh");
  assert.equal(reply.add(8, "i"), "grown");
  assert.equal(reply.text, "abcdefghi");
});
