/** The dialog that lists the shortcuts, and the listener for their keys. */

import { element, find } from "../dom/elements.js";
import { actionOf, isTyping, LOCAL_KEYS, SHORTCUTS } from "./shortcuts.js";

const SINGLE_KEYS = "single-keys"; // false: off, for readers whose speech input or hands press keys unintentionally

/** @param {LocalKeys} shortcut */
function line({ keys, text }) {
  const term = element("dt");
  term.append(...keys.map((key) => element("kbd", "", key)));
  return [term, element("dd", "", text)];
}

export class ShortcutsSheet {
  #dialog;
  #switch;
  #act;

  /** @param {HTMLDialogElement} dialog @param {SheetOptions} options */
  constructor(dialog, { button, store, act }) {
    this.#dialog = dialog;
    this.#switch = find("[type=checkbox]", HTMLInputElement, dialog);
    this.#act = act;
    find("dl", HTMLElement, dialog).append(...[...SHORTCUTS, ...LOCAL_KEYS].flatMap(line));
    this.#switch.checked = store.get(SINGLE_KEYS) !== false;
    this.#switch.addEventListener("change", () => store.set(SINGLE_KEYS, this.#switch.checked));
    button.addEventListener("click", () => this.open());
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** The browser restores the focus on close. */
  open() {
    this.#dialog.showModal();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (document.querySelector("dialog:modal")) return;
    const { key, ctrlKey, metaKey, altKey, shiftKey, isComposing, target } = event;
    const [typing, single] = [isTyping(target), this.#switch.checked];
    const action = actionOf({ key, ctrlKey, metaKey, altKey, shiftKey, isComposing, typing, single });
    if (!action) return;
    event.preventDefault(); // not typed into the focused field
    if (action === "sheet") this.open();
    else this.#act(action);
  }
}
