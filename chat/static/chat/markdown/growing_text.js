/**
 * Text that grows by appending: a selection survives, and the cost is that of the new text.
 *
 * in:  an element, more text
 * out: text nodes in chunks of bounded length: the browser lays out the whole block that has changed, and no more
 */

import { element } from "../dom/elements.js";

export const CHUNK_CHARS = 3_000;
const NODE_CHARS = 300; // an unchanged text node is not shaped again

/** Append to the last text node, or begin another at a space: letters that shape each other stay together. */
export function appendText(parent, text) {
  const last = parent.lastChild;
  const isFull = last?.length > NODE_CHARS && /^\s/.test(text);
  if (last?.nodeType === Node.TEXT_NODE && !isFull) last.appendData(text);
  else parent.append(text);
}

/** Preformatted text of any length: blocks of lines. */
export class GrowingText {
  #parent;
  #chunk = null;
  #edition = 0;
  #length = 0;

  constructor(parent) {
    this.#parent = parent;
  }

  /** Show the whole text so far. It grows within one edition and is replaced with the next. */
  show(text, edition) {
    if (edition !== this.#edition) this.#clear();
    this.#edition = edition;
    if (text.length > this.#length) this.append(text.slice(this.#length));
    this.#length = text.length;
  }

  append(text) {
    for (const [line] of text.matchAll(/[^\n]+|\n/g)) {
      if (line === "\n" && this.#chunk?.textContent.length >= CHUNK_CHARS) this.#break();
      else this.#add(line);
    }
  }

  #add(text) {
    if (!this.#chunk) {
      this.#chunk = element("span", "lines");
      this.#parent.append(this.#chunk);
    }
    appendText(this.#chunk, text);
  }

  /** The line break between two blocks is hidden: it is there to be copied. */
  #break() {
    const hidden = element("span", "", "\n");
    hidden.hidden = true;
    this.#parent.append(hidden);
    this.#chunk = null;
  }

  #clear() {
    this.#parent.replaceChildren();
    this.#chunk = null;
    this.#length = 0;
  }
}
