// Filling what a page missed, page by page: none of it twice, none of it left out, whatever comes in between.

const TRIES = 3;

/** The number up to which everything is here and can change no more: numbers of a chat have no gaps. */
export function settledSeq(messages) {
  let settled = 0;
  for (const { seq, status } of messages) {
    if (!seq) continue;
    if (seq !== settled + 1 || status === "pending") break;
    settled = seq;
  }
  return settled;
}

/**
 * Ask for what comes after a number until there is no more; `ask` rejects when no answer comes, `take` gets each answer.
 * One that did not come is asked for again, a few times; what is missing then is filled after the next connection.
 */
export async function fill(ask, afterSeq, take) {
  let tries = 0;
  for (;;) {
    const ack = await ask(afterSeq).catch(() => null);
    if (!ack && (tries += 1) < TRIES) continue;
    if (!ack?.ok || !take(ack)) return;
    tries = 0;
    if (!ack.hasMore || !ack.messages.length) return;
    afterSeq = ack.messages.at(-1).seq;
  }
}
