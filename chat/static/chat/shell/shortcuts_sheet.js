/**
 * The sheet that tells the keys, and the keys themselves.
 *
 * in:  key events of the page; the table of shortcuts.js
 * out: `act(action)`; whether single keys work is the reader's choice, and remembered
 */

import { LOCAL_KEYS, SHORTCUTS, actionOf, isTyping } from "./shortcuts.js";

const SINGLE_KEYS = "single-keys"; // false: switched off, for those whose speech or hands type what they do not mean

function line({ keys, words }) {
  const [term, meaning] = ["dt", "dd"].map((tag) => document.createElement(tag));
  for (const key of keys) term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
  meaning.textContent = words;
  return [term, meaning];
}

export class ShortcutsSheet {
  #dialog;
  #switch;
  #store;
  #act;

  constructor(dialog, { button, store, act }) {
    this.#dialog = dialog;
    this.#switch = dialog.querySelector("[type=checkbox]");
    this.#store = store;
    this.#act = act;
    dialog.querySelector("dl").append(...[...SHORTCUTS, ...LOCAL_KEYS].flatMap(line));
    this.#switch.checked = store.get(SINGLE_KEYS) !== false;
    this.#switch.addEventListener("change", () => store.set(SINGLE_KEYS, this.#switch.checked));
    button.addEventListener("click", () => this.open());
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** The browser gives the focus back when it is closed. */
  open() {
    this.#dialog.showModal();
  }

  #pressed(event) {
    if (!this.#switch.checked || document.querySelector("dialog:modal")) return;
    const { key, ctrlKey, metaKey, altKey, isComposing, target } = event;
    const action = actionOf({ key, ctrlKey, metaKey, altKey, isComposing, typing: isTyping(target) });
    if (!action) return;
    event.preventDefault(); // the key must not be typed into what it brings the focus to
    if (action === "sheet") this.open();
    else this.#act(action);
  }
}
