/**
 * What the page says in passing: to screen readers alone, or to everybody above the composer.
 *
 * in:  sentences
 * out: the text of two live regions of the page
 */

export class Notices {
  #announcer;
  #notice;

  constructor({ announcer, notice }) {
    this.#announcer = announcer;
    this.#notice = notice;
  }

  /** To screen readers, politely. */
  say(words) {
    this.#announcer.textContent = words;
  }

  /** What went wrong, until it is cleared. */
  warn(words) {
    this.#notice.textContent = words;
  }

  clear() {
    this.warn("");
    this.say(""); // so that the same sentence is news again
  }
}
