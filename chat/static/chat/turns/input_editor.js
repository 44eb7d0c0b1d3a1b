/** Edits an input in place; its files stay. Enter sends, Escape cancels. */

import { button, element, fitHeight } from "../dom/elements.js";
import { isOfInputMethod } from "../dom/keys.js";
import { CANCEL, SEND } from "../sentences/buttons.js";
import { EDIT_MESSAGE } from "../sentences/composer.js";

export class InputEditor {
  #box = element("textarea");

  /** @param {Pick<Turn, "input" | "attachments">} turn @param {EditorCallbacks} on */
  constructor({ input, attachments }, { send, cancel }) {
    this.element = element("form", "editor");
    this.#box.value = input;
    this.#box.rows = 1;
    this.#box.dir = "auto";
    this.#box.ariaLabel = EDIT_MESSAGE;
    const submit = element("button", "", SEND);
    const row = element("div", "editor-tools");
    row.append(button("cancel quiet", CANCEL, cancel), submit);
    this.element.append(this.#box, row);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#box.value.trim() || attachments.length) send(this.#box.value);
    });
    this.#box.addEventListener("input", () => fitHeight(this.#box));
    this.#box.addEventListener("keydown", (event) => this.#press(event, cancel));
  }

  /** Call once it is in the page. */
  begin() {
    fitHeight(this.#box);
    this.#box.focus();
    this.#box.setSelectionRange(this.#box.value.length, this.#box.value.length);
  }

  /** @param {KeyboardEvent} event @param {() => void} cancel */
  #press(event, cancel) {
    if (isOfInputMethod(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    }
    if (event.key !== "Escape") return;
    event.stopPropagation(); // not for the drawer
    cancel();
  }
}
