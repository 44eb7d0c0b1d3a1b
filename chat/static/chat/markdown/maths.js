/** Hides maths and backslash escapes from the Markdown parser. Pure. */

import { escapeMarkdown } from "./escape.js";

const PIECES = /[A-Za-z0-9\u0080-\uffff ,;:'"(){}@%^=?/.]+|./gs; // plain runs and single special characters
/** @type {Record<string, string>} */
const CLOSERS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

export class Maths {
  #parser;
  #pending = ""; // a backslash or dollars: the next character decides
  /** @type {string | null} */ #closer = null; // inside maths: its end
  #newlines = 0;

  /** @param {Pick<GuardedParser, "feed" | "inCode">} parser */
  constructor(parser) {
    this.#parser = parser;
  }

  /** @param {string} text */
  write(text) {
    for (const [piece] of text.matchAll(PIECES)) {
      if (piece.length > 1 && !this.#pending && !this.#closer) this.#parser.feed(piece);
      else for (const char of piece) this.#read(char);
    }
  }

  end() {
    this.#parser.feed(escapeMarkdown(this.#pending));
    this.#pending = "";
    this.#closer = null;
  }

  /** @param {string} char */
  #read(char) {
    if (this.#closer) return this.#readMaths(char, this.#closer);
    if (this.#pending) return this.#decide(char);
    if ((char === "\\" || char === "$") && !this.#parser.inCode) this.#pending = char;
    else this.#parser.feed(char === "&" ? escapeMarkdown(char) : char);
  }

  /** @param {string} char */
  #decide(char) {
    const text = this.#pending + char;
    this.#pending = text === "$$" ? text : "";
    if (this.#pending) return;
    if (text in CLOSERS) return this.#begin(text);
    if (text[0] === "$") return this.#decideDollars(text.slice(0, -char.length), char);
    if (char === "\n") return this.#parser.feed(char);
    this.#parser.feed(escapeMarkdown(/[!-/:-@[-`{-~]/.test(char) ? char : text)); // an escaped character, or a backslash
  }

  /** @param {string} dollars @param {string} char */
  #decideDollars(dollars, char) {
    if (dollars === "$$" || /[^\s\d.,;:!?)\]]/.test(char)) return this.#begin(dollars, char);
    this.#parser.feed(escapeMarkdown(dollars)); // $5 is a price
    this.#read(char);
  }

  /** @param {string} opener */
  #begin(opener, first = "") {
    this.#closer = CLOSERS[opener];
    this.#newlines = 0;
    this.#parser.feed(escapeMarkdown(opener));
    if (first) this.#readMaths(first, CLOSERS[opener]);
  }

  /** `$` ends with its line, other maths with the paragraph. @param {string} char @param {string} closer */
  #readMaths(char, closer) {
    this.#newlines = char === "\n" ? this.#newlines + 1 : 0;
    const over = this.#newlines >= (closer === "$" ? 1 : 2);
    const text = this.#pending + char;
    const isHalf = !over && closer.length > 1 && text === closer[0];
    this.#pending = isHalf ? text : "";
    if (isHalf) return;
    if (over || text === closer) this.#closer = null;
    this.#parser.feed(escapeMarkdown(text));
  }
}
