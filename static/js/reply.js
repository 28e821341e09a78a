// A reply that is being written: deltas arrive with offsets, perhaps twice, perhaps with a gap before them.
// Offsets count code points (as Python does), not UTF-16 units (as JavaScript does).

export class Reply {
  constructor(text = "") {
    this.reset(text);
  }

  /** Take the text that the server has so far; an older, shorter one changes nothing. */
  reset(text) {
    const points = Array.from(text).length;
    if (this.points !== undefined && points < this.points) return;
    this.text = text;
    this.points = points;
  }

  /** Add a delta: "grown", "known" (nothing new in it) or "gap" (something before it is missing). */
  add(offset, text) {
    if (offset > this.points) return "gap";
    const letters = Array.from(text);
    const fresh = letters.slice(this.points - offset);
    if (!fresh.length) return "known";
    this.text += fresh.join("");
    this.points += fresh.length;
    return "grown";
  }
}
