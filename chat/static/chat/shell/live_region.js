/** The live regions: one for screen readers, one visible above the composer. */

export class LiveRegions {
  #announcer;
  #notice;

  /** @param {LiveRegionElements} elements */
  constructor({ announcer, notice }) {
    this.#announcer = announcer;
    this.#notice = notice;
  }

  /** @param {string} text */
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
