/** The two live regions of the page: one for screen readers, one visible above the composer. */

export class LiveRegions {
  #announcer;
  #notice;

  /** @param {{ announcer: HTMLElement, notice: HTMLElement }} elements */
  constructor({ announcer, notice }) {
    this.#announcer = announcer;
    this.#notice = notice;
  }

  /** Announce politely, to screen readers only. @param {string} text */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** Show an error until it is cleared. @param {string} text */
  warn(text) {
    this.#notice.textContent = text;
  }

  clear() {
    this.warn("");
    this.announce(""); // lets the same sentence be announced again
  }
}
