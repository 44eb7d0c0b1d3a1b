/** A long text that shows its beginning, and a button that shows all of it. */

import { button, element, set } from "../dom/elements.js";
import { SHOW_LESS } from "../sentences/buttons.js";
import { CONTINUE, CONTINUE_QUESTION, showAllText } from "../sentences/turns.js";

const MAX_LINES = 12;
const MAX_CHARS = 1_500;

/** The beginning of a long text; the whole of a short one. Pure. @param {string} text */
export function beginningOf(text) {
  if (text === CONTINUE_QUESTION) return CONTINUE;
  const lines = text.slice(0, MAX_CHARS + 1).split("\n", MAX_LINES + 1);
  const isLong = text.length > MAX_CHARS || lines.length > MAX_LINES;
  if (!isLong) return text;
  const cut = lines.slice(0, MAX_LINES).join("\n").slice(0, MAX_CHARS);
  return `${cut.replace(/[\ud800-\udbff]$/, "").trimEnd()}…`; // no half of a character
}

/** @param {string} text */
export function countLines(text) {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

export class FoldedText {
  #text;
  #beginning;
  #show;
  #toggle;
  #label;

  /** `show` puts a text into `body`. @param {string} text @param {HTMLElement} body @param {(text: string) => void} show */
  constructor(text, body, show) {
    this.#text = text;
    this.#show = show;
    this.#beginning = beginningOf(text);
    this.#label = showAllText(countLines(text));
    this.#toggle = button("unfold link", this.#label, () => this.#fold(this.#toggle.ariaExpanded === "true"));
    this.#toggle.hidden = this.#beginning === text;
    this.element = element("div", "folded-text");
    this.element.hidden = !text;
    this.element.append(body, this.#toggle);
    this.#fold(true);
  }

  /** @param {boolean} folded */
  #fold(folded) {
    this.#show(folded ? this.#beginning : this.#text);
    set(this.#toggle, "ariaExpanded", String(!folded));
    set(this.#toggle, "textContent", folded ? this.#label : SHOW_LESS);
    if (folded && this.element.isConnected) this.element.scrollIntoView({ block: "nearest" });
  }
}
