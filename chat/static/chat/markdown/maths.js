/**
 * Keeps the reader of a text apart from its maths and its escapes, which are no Markdown. Pure.
 *
 * in:  a text in pieces, cut anywhere; whether the parser is inside of code
 * out: pieces for the parser, with what is to be shown as it stands in disguise (escape.js)
 */

import { literal } from "./escape.js";

const PIECES = /[A-Za-z0-9\u0080-\uffff ,;:'"(){}@%^=?/.]+|[^]/g; // runs that mean nothing, and single characters that may
const CLOSERS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

export class Maths {
  #feed;
  #isCode;
  #held = ""; // a backslash or dollars whose meaning the next character decides
  #closer = null; // inside of maths: what ends it
  #newlines = 0;

  /** `feed(piece)` takes what is read; `isCode()` tells whether the next character is inside of code. */
  constructor({ feed, isCode }) {
    this.#feed = feed;
    this.#isCode = isCode;
  }

  write(text) {
    for (const [piece] of text.matchAll(PIECES)) {
      if (piece.length > 1 && !this.#held && !this.#closer) this.#feed(piece);
      else for (const char of piece) this.#take(char);
    }
  }

  end() {
    this.#feed(literal(this.#held));
    this.#held = "";
    this.#closer = null;
  }

  #take(char) {
    if (this.#closer) return this.#takeInside(char);
    if (this.#held) return this.#decide(char);
    if ((char === "\\" || char === "$") && !this.#isCode()) this.#held = char;
    else this.#feed(char === "&" ? literal(char) : char);
  }

  #decide(char) {
    const held = this.#held + char;
    if (held === "$$") return void (this.#held = held);
    this.#held = "";
    if (held in CLOSERS) return this.#begin(held);
    if (held[0] === "$") return this.#decideDollars(held.slice(0, -char.length), char);
    if (char === "\n") return this.#feed(char);
    this.#feed(literal(/[!-/:-@[-`{-~]/.test(char) ? char : held)); // an escaped character, or just a backslash
  }

  #decideDollars(dollars, char) {
    if (dollars === "$$" || /[^\s\d.,;:!?)\]]/.test(char)) return this.#begin(dollars, char);
    this.#feed(literal(dollars)); // $5 is a price
    this.#take(char);
  }

  #begin(opener, first = "") {
    this.#closer = CLOSERS[opener];
    this.#newlines = 0;
    this.#feed(literal(opener));
    if (first) this.#takeInside(first);
  }

  /** Nothing but its end is read in maths. A dollar's ends with its line, the rest with its paragraph: no typing error goes on for ever. */
  #takeInside(char) {
    this.#newlines = char === "\n" ? this.#newlines + 1 : 0;
    const over = this.#newlines >= (this.#closer === "$" ? 1 : 2);
    const held = this.#held + char;
    if (!over && this.#closer.length > 1 && held === this.#closer[0]) return void (this.#held = held);
    this.#held = "";
    if (over || held === this.#closer) this.#closer = null;
    this.#feed(literal(held));
  }
}
