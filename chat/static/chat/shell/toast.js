/**
 * A short message with an Undo button, shown for a while.
 *
 * in:  a text and the function of Undo
 * out: a status in the page; it stays while the pointer or the focus is on it
 */

const SHOWN_MS = 8_000;

export class Toast {
  #element;
  #text;
  #button;
  #undo = null;
  #timer = null;
  #onFocusLost;

  /** `onFocusLost()` is called when it hides with the focus in it: something has to take it. */
  constructor(element, { onFocusLost }) {
    this.#element = element;
    this.#text = element.querySelector("p");
    this.#button = element.querySelector("button");
    this.#button.addEventListener("click", () => this.undo());
    for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, () => this.#wait());
    element.addEventListener("keydown", (event) => event.key === "Escape" && this.#hide());
    this.#onFocusLost = onFocusLost;
  }

  show(text, undo, { focus = false } = {}) {
    this.#undo = undo;
    this.#element.hidden = false;
    this.#text.textContent = text;
    this.#wait();
    if (focus) this.#button.focus({ preventScroll: true }); // it is always in view
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
    if (hadFocus) this.#onFocusLost();
  }
}
