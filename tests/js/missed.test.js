import assert from "node:assert/strict";
import test from "node:test";
import { fill, settledSeq } from "../../static/js/missed.js";

const numbered = (...all) => all.map((seq) => ({ seq, status: "done" }));

/** A server with messages 1 to `last`, of which one answer brings `size`; `lose` says which answers get lost. */
function server(last, size, lose = () => false) {
  const asked = [];
  return {
    asked,
    async ask(after) {
      asked.push(after);
      if (lose(asked.length)) throw new Error("no answer");
      const messages = numbered(...Array.from({ length: last }, (_, at) => at + 1)).slice(after, after + size);
      return { ok: true, messages, replies: [], hasMore: after + size < last };
    },
  };
}

async function filled(there, after) {
  const got = [];
  await fill((seq) => there.ask(seq), after, (ack) => got.push(...ack.messages.map(({ seq }) => seq)));
  return got;
}

test("everything after a number comes once and in order, page by page", async () => {
  const there = server(10, 3);
  assert.deepEqual(await filled(there, 2), [3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(there.asked, [2, 5, 8]);
});

test("an answer that is lost is asked for again, and one that never comes is given up", async () => {
  assert.deepEqual(await filled(server(5, 2, (nth) => nth === 2), 0), [1, 2, 3, 4, 5]);
  const gone = server(5, 2, (nth) => nth > 1);
  assert.deepEqual(await filled(gone, 0), [1, 2]);
  assert.equal(gone.asked.length, 4);
});

test("a refusal ends it, and so does a chat that is not on the screen any more", async () => {
  let asked = 0;
  await fill(async () => ((asked += 1), { ok: false }), 0, () => true);
  await fill(async () => ((asked += 1), { ok: true, messages: numbered(1), hasMore: true }), 0, () => false);
  assert.equal(asked, 2);
});

test("what arrived before a gap was filled does not hide the gap", () => {
  assert.equal(settledSeq(numbered(1, 2, 3)), 3);
  assert.equal(settledSeq(numbered(1, 2, 7, 8)), 2, "7 and 8 came live, while 3 to 6 were being asked for");
  assert.equal(settledSeq([...numbered(1), { seq: 2, status: "pending" }, ...numbered(3)]), 1);
  assert.equal(settledSeq([{ status: "sending" }, ...numbered(1)]), 1, "what is not stored yet has no number");
  assert.equal(settledSeq([]), 0);
});
