/** Loads earlier turns: when pressed, or when the reader scrolls up to it. */

const NEAR = "400px 0px 0px 0px"; // begin before it is visible

export class EarlierButton {
  #button;
  #turns;
  #on;
  #loading = false;

  /** @param {HTMLElement} button @param {HTMLElement} turns @param {EarlierCallbacks} on */
  constructor(button, turns, on) {
    this.#button = button;
    this.#turns = turns;
    this.#on = on;
    button.addEventListener("click", () => this.#load());
    new IntersectionObserver(([entry]) => entry?.isIntersecting && this.#scrolledHere(), { rootMargin: NEAR }).observe(
      button,
    );
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

  /** The first visible turn stays where it is: browsers anchor it, except at the very top. */
  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    if (scrollY === 0) scrollTo({ top: 1, behavior: "instant" });
    const loaded = await this.#on.load();
    this.#loading = false;
    if (loaded) this.#on.announce("Earlier turns are shown.");
  }
}
