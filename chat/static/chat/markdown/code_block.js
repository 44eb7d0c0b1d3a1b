/** A code block: its language, a copy button, and highlighting once complete. */

import { copyButton } from "../dom/copy_button.js";
import { element } from "../dom/elements.js";
import { GrowingText } from "./growing_text.js";
import { highlight } from "./highlight.js";

const LONGEST_LABEL = 30; // characters

export class CodeBlock {
  #language = element("span", "language", "code");
  #code = element("code");
  #text = new GrowingText(this.#code);

  constructor() {
    this.element = element("div", "code-block");
    this.element.dir = "ltr";
    const head = element("div", "code-head");
    const lines = element("pre");
    lines.tabIndex = 0; // scrolls by keyboard
    lines.setAttribute("role", "group");
    lines.ariaLabel = "Code";
    lines.append(this.#code);
    head.append(this.#language, copyButton({ label: "Copy this code", text: () => this.#code.textContent }));
    this.element.append(head, lines);
  }

  /** @param {string} name */
  set language(name) {
    const word = name.trim().split(/\s/)[0];
    if (word && word.length <= LONGEST_LABEL) this.#language.textContent = word;
  }

  /** @param {string} text */
  append(text) {
    this.#text.append(text);
  }

  /** Highlighting replaces nodes, so it waits while they are selected. */
  finish() {
    if (!this.#isSelected()) return this.#highlight();
    const stop = new AbortController();
    const later = () => {
      if (this.#isSelected()) return;
      stop.abort();
      this.#highlight();
    };
    document.addEventListener("selectionchange", later, { signal: stop.signal });
  }

  #isSelected() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(this.#code, true);
  }

  #highlight() {
    const pieces = highlight(this.#code.textContent, this.#language.textContent);
    if (pieces.length < 2) return;
    this.#code.replaceChildren(...pieces.map(({ kind, text }) => (kind ? element("span", kind, text) : text)));
  }
}
