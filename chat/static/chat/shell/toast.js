/** A message with Undo. It stays under the pointer or the focus. */

import { find } from "../dom/elements.js";

const SHOWN_MS = 8_000;

export class Toast {
  #element;
  #text;
  #button;
  /** @type {(() => void) | null} */ #undo = null;
  /** @type {Timer} */ #timer;
  #onFocusLost;

  /**
   * `onFocusLost()`: it had the focus when it was hidden.
   * @param {HTMLElement} element
   * @param {{ onFocusLost: () => void }} callbacks
   */
  constructor(element, { onFocusLost }) {
    this.#element = element;
    this.#text = find("p", HTMLElement, element);
    this.#button = find("button", HTMLButtonElement, element);
    this.#button.addEventListener("click", () => this.undo());
    for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, () => this.#wait());
    element.addEventListener("keydown", (event) => event.key === "Escape" && this.#hide());
    this.#onFocusLost = onFocusLost;
  }

  /** @param {string} text @param {() => void} undo */
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
