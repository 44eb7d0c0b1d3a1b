/**
 * Keeps maths and backslash escapes from the Markdown parser. Pure.
 *
 * in:  a text in pieces, cut anywhere; whether the parser is inside code (guarded_parser.js)
 * out: pieces for that parser, with literal text escaped (escape.js)
 */

import { escapeMarkdown } from "./escape.js";

const PIECES = /[A-Za-z0-9\u0080-\uffff ,;:'"(){}@%^=?/.]+|./gs; // runs without special characters, and single characters
const CLOSERS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

export class Maths {
  #parser;
  #pending = ""; // a backslash or dollars whose meaning depends on the next character
  #closer = null; // inside maths: the delimiter that ends it
  #newlines = 0;

  constructor(parser) {
    this.#parser = parser;
  }

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

  #read(char) {
    if (this.#closer) return this.#readMaths(char);
    if (this.#pending) return this.#decide(char);
    if ((char === "\\" || char === "$") && !this.#parser.inCode) this.#pending = char;
    else this.#parser.feed(char === "&" ? escapeMarkdown(char) : char);
  }

  #decide(char) {
    const text = this.#pending + char;
    this.#pending = text === "$$" ? text : "";
    if (this.#pending) return;
    if (text in CLOSERS) return this.#begin(text);
    if (text[0] === "$") return this.#decideDollars(text.slice(0, -char.length), char);
    if (char === "\n") return this.#parser.feed(char);
    this.#parser.feed(escapeMarkdown(/[!-/:-@[-`{-~]/.test(char) ? char : text)); // an escaped character, or just a backslash
  }

  #decideDollars(dollars, char) {
    if (dollars === "$$" || /[^\s\d.,;:!?)\]]/.test(char)) return this.#begin(dollars, char);
    this.#parser.feed(escapeMarkdown(dollars)); // $5 is a price
    this.#read(char);
  }

  #begin(opener, first = "") {
    this.#closer = CLOSERS[opener];
    this.#newlines = 0;
    this.#parser.feed(escapeMarkdown(opener));
    if (first) this.#readMaths(first);
  }

  /** Inside maths only its end matters. `$` ends with its line at the latest, the rest with its paragraph. */
  #readMaths(char) {
    this.#newlines = char === "\n" ? this.#newlines + 1 : 0;
    const over = this.#newlines >= (this.#closer === "$" ? 1 : 2);
    const text = this.#pending + char;
    const isHalf = !over && this.#closer.length > 1 && text === this.#closer[0];
    this.#pending = isHalf ? text : "";
    if (isHalf) return;
    if (over || text === this.#closer) this.#closer = null;
    this.#parser.feed(escapeMarkdown(text));
  }
}
