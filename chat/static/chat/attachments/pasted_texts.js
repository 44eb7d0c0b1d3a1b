/** Long pasted texts of a message: folded chips above its box, part of its text when it is sent. */

import { button, element, set } from "../dom/elements.js";
import { EDIT, editLabel, REMOVE, removeLabel } from "../sentences/buttons.js";
import { pastedText } from "../sentences/composer.js";
import { countLines } from "../turns/folded_text.js";

const MAX_CHARS = 4_000; // a longer one, or one of more lines, is folded
const MAX_LINES = 100;

/** Pure. @param {string} text */
export const isFolded = (text) => text.length > MAX_CHARS || countLines(text) > MAX_LINES;

/** The text of a message: the written one, then the pasted ones. Pure. @param {string} written @param {string[]} pasted */
export const messageOf = (written, pasted) => [written, ...pasted].filter((text) => text.trim()).join("\n\n");

export class PastedTexts {
  /** @type {string[]} */ #texts = [];
  #list;
  #on;

  /** @param {HTMLElement} list @param {PastedTextsCallbacks} on */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
  }

  get texts() {
    return this.#texts;
  }

  set texts(texts) {
    this.#texts = texts;
    this.#list.replaceChildren(...texts.map((text, at) => this.#chip(text, at)));
    set(this.#list, "hidden", !texts.length);
  }

  /** Fold a long text out of a paste into the message. @param {ClipboardEvent} event */
  take(event) {
    const { clipboardData: data } = event;
    const text = data?.getData("text/plain").replaceAll("\r\n", "\n") ?? ""; // as a text field does
    if (data?.files.length || !isFolded(text)) return;
    event.preventDefault();
    this.#change([...this.#texts, text]);
  }

  /** @param {string} text @param {number} at */
  #chip(text, at) {
    const name = pastedText(countLines(text));
    const words = element("span", "file-words");
    words.append(element("span", "file-name", name));
    const chip = element("li", "file-chip");
    const edit = button("edit-pasted quiet", EDIT, () => {
      this.#change(this.#texts.toSpliced(at, 1));
      this.#on.edit(text);
    });
    const remove = button("remove-file quiet", REMOVE, () => {
      this.#change(this.#texts.toSpliced(at, 1));
      this.#on.removed();
    });
    edit.ariaLabel = editLabel(name);
    remove.ariaLabel = removeLabel(name);
    chip.append(words, edit, remove);
    return chip;
  }

  /** @param {string[]} texts */
  #change(texts) {
    this.texts = texts;
    this.#on.changed();
  }
}
