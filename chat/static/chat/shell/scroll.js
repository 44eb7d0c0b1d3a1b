/** Keeps the end in view, unless the reader has scrolled up. */

const NEAR_PX = 32; // scrolling down to here resumes following
const STILL_PX = 2; // for fractions of a pixel

/** Whether to follow after a scroll. @param {boolean} following @param {ScrollPosition} position */
export function follows(following, { before, after, below }) {
  if (below <= STILL_PX) return true;
  if (after < before) return false;
  return following || (after > before && below <= NEAR_PX);
}

export class Scroll {
  #following = true;
  #empty = false;
  #before = 0;
  #button;

  /** @param {HTMLElement} button */
  constructor(button) {
    this.#button = button;
    button.addEventListener("click", () => this.toEnd());
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    addEventListener("resize", () => this.follow());
    // turns get their real height only near the window
    new ResizeObserver(() => this.follow()).observe(document.body);
  }

  /** An empty page shows the welcome from its top, even if that is longer than the window. @param {boolean} empty */
  set empty(empty) {
    if (empty && !this.#empty) scrollTo({ top: 0, behavior: "instant" });
    this.#empty = empty;
    this.#button.hidden ||= empty;
  }

  /** The page has grown. */
  follow() {
    if (this.#empty) return;
    if (this.#following) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#button.hidden = this.#following;
  }

  /** Follow no longer: another place is shown. */
  stay() {
    this.#following = false;
  }

  toEnd() {
    this.#following = true;
    this.follow();
  }

  #scrolled() {
    if (this.#empty) {
      this.#before = scrollY;
      return;
    }
    const after = scrollY;
    const below = document.documentElement.scrollHeight - innerHeight - after;
    this.#following = follows(this.#following, { before: this.#before, after, below });
    this.#before = after;
    this.#button.hidden = this.#following;
  }
}
