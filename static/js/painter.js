// Repaints a growing reply at most once per frame, and less often when one paint is expensive.
const PAUSE = 40; // ms between paints of a short reply
const LONG = 8000; // characters from which a paint waits at least 100 ms

export class Painter {
  /** `paint` draws the whole text. */
  constructor(paint) {
    this.paint = paint;
    this.lastEnd = 0;
    this.cost = 0;
    this.timer = null;
    this.frame = null;
    this.closed = false;
  }

  /** Ask for a paint of `text`; the latest text wins. */
  want(text) {
    this.text = text;
    if (this.closed || this.timer !== null || this.frame !== null) return;
    const pause = Math.max(text.length > LONG ? 100 : PAUSE, 3 * this.cost);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.frame = requestAnimationFrame(() => this.#draw());
    }, Math.max(0, this.lastEnd + pause - performance.now()));
  }

  /** Stop for good: a frame that is still pending must not paint over the final text. */
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.frame !== null) cancelAnimationFrame(this.frame);
  }

  #draw() {
    this.frame = null;
    if (this.closed) return;
    const start = performance.now();
    this.paint(this.text);
    this.lastEnd = performance.now();
    this.cost = this.lastEnd - start;
  }
}
