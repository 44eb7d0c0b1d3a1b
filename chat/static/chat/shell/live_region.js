/**
 * The two live regions of the page: one for screen readers alone, one visible above the composer.
 *
 * in:  sentences
 * out: the text of the regions
 */

export class LiveRegions {
  #announcer;
  #notice;

  constructor({ announcer, notice }) {
    this.#announcer = announcer;
    this.#notice = notice;
  }

  /** To screen readers, politely. */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** An error, visible until it is cleared. */
  warn(text) {
    this.#notice.textContent = text;
  }

  clear() {
    this.warn("");
    this.announce(""); // so that the same sentence is announced again
  }
}
