/**
 * Edits an input in its place. Enter sends, as in the composer; Escape leaves everything as it was.
 *
 * in:  the input
 * out: `send(text)` or `cancel()`; its element, a form
 */

import { button, element } from "../dom/elements.js";

export class InputEditor {
  #box = element("textarea");

  constructor(input, { send, cancel }) {
    this.element = element("form", "editor");
    this.#box.value = input;
    this.#box.rows = 1;
    this.#box.dir = "auto";
    this.#box.ariaLabel = "Edit your message";
    const submit = element("button", "", "Send");
    const row = element("div", "editor-tools");
    row.append(button("cancel quiet", "Cancel", cancel), submit);
    this.element.append(this.#box, row);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#box.value.trim()) send(this.#box.value);
    });
    this.#box.addEventListener("input", () => this.#fit());
    this.#box.addEventListener("keydown", (event) => this.#press(event, cancel));
  }

  /** Once it is in the page. */
  begin() {
    this.#fit();
    this.#box.focus();
    this.#box.setSelectionRange(this.#box.value.length, this.#box.value.length);
  }

  #press(event, cancel) {
    if (event.isComposing) return; // this Enter chooses a word of an input method
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    }
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it is not for what lies around
    cancel();
  }

  #fit() {
    this.#box.style.height = "auto"; // measured anew, so that it also shrinks
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
