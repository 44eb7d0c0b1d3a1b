/** A code block: its language, a copy button, and colours once complete. */

import { copyButton } from "../dom/copy_button.js";
import { element } from "../dom/elements.js";
import { CODE, COPY_CODE, UNNAMED_LANGUAGE } from "../sentences/markdown.js";
import { colour } from "./code_colours.js";
import { GrowingText } from "./growing_text.js";

const LONGEST_LABEL = 30; // characters

/** @type {WeakMap<Node, CodeBlock>} */
const blocks = new WeakMap();

export class CodeBlock {
  #language = element("span", "language", UNNAMED_LANGUAGE);
  #code = element("code");
  #shown = new GrowingText(this.#code);
  #text = ""; // the copy's source: nodes may lose or hide characters
  #edition = 0;
  #ended = false;

  constructor() {
    this.element = element("div", "code-block");
    this.element.dir = "ltr";
    const head = element("div", "code-head");
    const lines = element("pre");
    lines.tabIndex = 0; // scrolls by keyboard
    lines.setAttribute("role", "group");
    lines.ariaLabel = CODE;
    lines.append(this.#code);
    head.append(this.#language, copyButton({ label: COPY_CODE, text: () => this.#text }));
    this.element.append(head, lines);
    blocks.set(this.element, this);
  }

  /** The block of an element, if it is one. @param {Node | null} node */
  static of(node) {
    return node ? blocks.get(node) : undefined;
  }

  /** @param {string} name */
  set language(name) {
    const word = name.trim().split(/\s/)[0];
    const label = word && word.length <= LONGEST_LABEL ? word : UNNAMED_LANGUAGE;
    if (this.#language.textContent !== label) this.#language.textContent = label;
  }

  /** @param {string} text */
  append(text) {
    if (this.#ended) return this.show(this.#text + text);
    this.#text += text;
    this.#shown.append(visible(text));
  }

  /** The whole code so far. @param {string} text */
  show(text) {
    if (text === this.#text) return;
    if (!text.startsWith(this.#text) || this.#ended) this.#edition += 1;
    this.#ended = false;
    this.#text = text;
    this.#shown.show(visible(text), this.#edition);
  }

  /** No code follows: colour it, once. */
  finish() {
    if (this.#ended) return;
    this.#ended = true;
    colour(this.#code, this.#language.textContent);
  }
}

/** Browsers show a carriage return as a character. @param {string} text */
const visible = (text) => text.replace(/\r\n?/g, "\n");
