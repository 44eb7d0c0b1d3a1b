/**
 * A short message that can be taken back for a while.
 *
 * in:  words and what Undo does
 * out: a status in the page; it waits while the pointer or the keyboard is on it
 */

const SHOWN_MS = 8_000;

export class Toast {
  #element;
  #words;
  #button;
  #undo = null;
  #timer = null;

  /** `left()` is called when it goes and had the focus: somebody has to take it. */
  constructor(element, { left }) {
    this.#element = element;
    this.#words = element.querySelector("p");
    this.#button = element.querySelector("button");
    this.#button.addEventListener("click", () => this.undo());
    for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, () => this.#wait());
    element.addEventListener("keydown", (event) => event.key === "Escape" && this.#hide());
    this.left = left;
  }

  show(words, undo, { focus = false } = {}) {
    this.#undo = undo;
    this.#element.hidden = false;
    this.#words.textContent = words;
    this.#wait();
    if (focus) this.#button.focus({ preventScroll: true }); // it is in sight, whatever the page shows
  }

  undo() {
    const undo = this.#undo;
    this.#hide();
    undo?.();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hide(), SHOWN_MS);
  }

  #hide() {
    clearTimeout(this.#timer);
    const hadFocus = this.#element.contains(document.activeElement);
    this.#undo = null;
    this.#element.hidden = true;
    if (hadFocus) this.left();
  }
}
