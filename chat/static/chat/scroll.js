/**
 * Keeps the newest text in sight until the reader scrolls up; back at the end, it follows again.
 *
 * in:  scroll events, and `follow()` after the page has grown
 * out: the position of the page; a button to the end while it does not follow
 */

const NEAR_PX = 32; // scrolled down to within this of the end: the reader wants to follow
const STILL_PX = 2; // fractions of a pixel are not a reader scrolling up

/** Whether to follow after a scroll from `before` to `after`, which left `below` pixels under the window. */
export function follows(following, { before, after, below }) {
  if (below <= STILL_PX) return true;
  if (after < before) return false;
  return following || (after > before && below <= NEAR_PX);
}

export class Scroll {
  #following = true;
  #before = 0;
  #button;

  constructor(button) {
    this.#button = button;
    button.addEventListener("click", () => this.toEnd());
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    addEventListener("resize", () => this.follow());
  }

  /** The page has grown. */
  follow() {
    if (this.#following) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#button.hidden = this.#following;
  }

  toEnd() {
    this.#following = true;
    this.follow();
  }

  #scrolled() {
    const after = scrollY;
    const below = document.documentElement.scrollHeight - innerHeight - after;
    this.#following = follows(this.#following, { before: this.#before, after, below });
    this.#before = after;
    this.#button.hidden = this.#following;
  }
}
