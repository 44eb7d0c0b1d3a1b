/**
 * The dialog that lists the shortcuts, and the listener for their keys.
 *
 * in:  key events of the page; the table of shortcuts.js
 * out: `act(action)`; the reader's choice whether single keys work, remembered
 */

import { element } from "../dom/elements.js";
import { actionOf, isTyping, LOCAL_KEYS, SHORTCUTS } from "./shortcuts.js";

const SINGLE_KEYS = "single-keys"; // false: switched off, for readers whose speech input or hands press keys unintentionally

function line({ keys, text }) {
  const term = element("dt");
  term.append(...keys.map((key) => element("kbd", "", key)));
  return [term, element("dd", "", text)];
}

export class ShortcutsSheet {
  #dialog;
  #switch;
  #act;

  constructor(dialog, { button, store, act }) {
    this.#dialog = dialog;
    this.#switch = dialog.querySelector("[type=checkbox]");
    this.#act = act;
    dialog.querySelector("dl").append(...[...SHORTCUTS, ...LOCAL_KEYS].flatMap(line));
    this.#switch.checked = store.get(SINGLE_KEYS) !== false;
    this.#switch.addEventListener("change", () => store.set(SINGLE_KEYS, this.#switch.checked));
    button.addEventListener("click", () => this.open());
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** The browser restores the focus when it is closed. */
  open() {
    this.#dialog.showModal();
  }

  #pressed(event) {
    if (!this.#switch.checked || document.querySelector("dialog:modal")) return;
    const { key, ctrlKey, metaKey, altKey, isComposing, target } = event;
    const action = actionOf({ key, ctrlKey, metaKey, altKey, isComposing, typing: isTyping(target) });
    if (!action) return;
    event.preventDefault(); // the key must not be typed into the field that gets the focus
    if (action === "sheet") this.open();
    else this.#act(action);
  }
}
