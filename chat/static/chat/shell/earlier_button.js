/** Loads earlier turns: when pressed, or when the reader scrolls up to it. */

import { EARLIER_SHOWN } from "../sentences/shell.js";

const ANCHORS = CSS.supports("overflow-anchor", "auto"); // the browser keeps the place, except at the very top
const NEAR = "400px 0px 0px 0px"; // begin before it is visible

export class EarlierButton {
  #button;
  #turns;
  #on;
  #loading = false;
  #observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && this.#scrolledHere(), { rootMargin: NEAR });

  /** @param {HTMLElement} button @param {HTMLElement} turns @param {EarlierCallbacks} on */
  constructor(button, turns, on) {
    this.#button = button;
    this.#turns = turns;
    this.#on = on;
    button.addEventListener("click", () => this.#load());
    this.#observer.observe(button);
  }

  /** Whether there are earlier turns; without any, the focus moves to the turns. @param {boolean} there */
  render(there) {
    const hadFocus = document.activeElement === this.#button;
    this.#button.hidden = !there;
    if (hadFocus && !there) this.#turns.focus({ preventScroll: true });
  }

  /** At the end of a page that is not laid out yet, it is near without a scroll. */
  #scrolledHere() {
    const below = document.documentElement.scrollHeight - innerHeight - scrollY;
    if (below > innerHeight) this.#load();
  }

  /** Insert turns; the first one in view stays where it is. @param {() => void} insert */
  keepPlace(insert) {
    const first = this.#loading && (scrollY === 0 || !ANCHORS) ? this.#turns.firstElementChild : null;
    const before = first?.getBoundingClientRect().top ?? 0;
    insert();
    if (first) scrollBy({ top: first.getBoundingClientRect().top - before, behavior: "instant" });
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const loaded = await this.#on.load();
    this.#loading = false;
    this.#observer.unobserve(this.#button);
    this.#observer.observe(this.#button); // it may be near again already
    if (loaded) this.#on.announce(EARLIER_SHOWN);
  }
}
