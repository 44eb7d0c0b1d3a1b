/** Append-only text: a selection survives, and only new text costs time. */

import { element } from "../dom/elements.js";

const CHUNK_CHARS = 3_000;
const NODE_CHARS = 300; // the browser shapes only changed text nodes

/**
 * Append to the last text node; begin another only at a space: letters shape each other.
 * @param {Element} parent
 * @param {string} text
 */
function appendText(parent, text) {
  const last = parent.lastChild;
  if (last instanceof Text && !(last.length > NODE_CHARS && /^\s/.test(text))) last.appendData(text);
  else parent.append(text);
}

/** Preformatted text in blocks of lines: the browser lays out only the last. */
export class GrowingText {
  #parent;
  /** @type {HTMLElement | null} */ #chunk = null;
  #edition = 0;
  #length = 0;

  /** @param {Element} parent */
  constructor(parent) {
    this.#parent = parent;
  }

  /**
   * The whole text so far: it grows within one edition; the next replaces it.
   * @param {string} text
   * @param {number} edition
   */
  show(text, edition) {
    if (edition !== this.#edition) this.#clear();
    this.#edition = edition;
    if (text.length > this.#length) this.append(text.slice(this.#length));
  }

  /** @param {string} text */
  append(text) {
    this.#length += text.length;
    for (const [line] of text.matchAll(/[^\n]+|\n/g)) {
      if (line === "\n" && this.#chunk && this.#chunk.textContent.length >= CHUNK_CHARS) this.#break();
      else this.#add(line);
    }
  }

  /** @param {string} text */
  #add(text) {
    if (!this.#chunk) {
      this.#chunk = element("span", "lines");
      this.#parent.append(this.#chunk);
    }
    appendText(this.#chunk, text);
  }

  /** Hide the line break between blocks: it is for copying. */
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
