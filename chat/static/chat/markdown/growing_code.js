/** An open block of code at the top level: of a line that arrives only the line itself is read. */

import { closes, dedent, mayClose, openingFence } from "./code_source.js";

export class GrowingCode {
  #block;
  #fence;
  #indent;
  #end = ""; // of the last line: it is part of the code once another line follows
  #begun = 0; // characters of the last line that are shown
  ended = false;

  /** @param {CodeBlock} block @param {string} opening @param {string} rest */
  constructor(block, opening, rest) {
    const { fence, indent } = openingFence(opening);
    this.#block = block;
    this.#fence = fence;
    this.#indent = indent;
    this.rest = rest;
  }

  /**
   * The code of an open block whose first line is complete.
   * @param {MarkedToken} token
   * @param {CodeBlock | undefined} block
   * @param {string} source
   */
  static from(token, block, source) {
    const [opening = null] = /^[ \t]*[`~][^\r\n]*(?:\r\n|\n|\r)/.exec(source) ?? [];
    if (token.type !== "code" || !block || opening === null || !openingFence(opening).fence) return null;
    block.show("");
    return new GrowingCode(block, opening, source.slice(opening.length));
  }

  /** Add the lines; returns what is not read yet: part of a line, or the text behind the block. @param {string} text @param {boolean} over */
  write(text, over) {
    const lines = /([^\r\n]*)(\r\n|\n|\r|$)/y;
    let at = 0;
    let added = "";
    for (;;) {
      lines.lastIndex = at;
      const [all, line, end] = /** @type {RegExpExecArray} */ (lines.exec(text));
      if (!end) {
        this.#append(added);
        return this.#writeRest(text.slice(at), line, over);
      }
      at += all.length;
      if (closes(line, this.#fence) && !this.#begun) return this.#finish(added, text.slice(at));
      added += this.#begun ? line.slice(this.#begun) : this.#end + dedent(line, this.#indent);
      this.#begun = 0;
      this.#end = end;
    }
  }

  /** @param {string} rest @param {string} line @param {boolean} over */
  #writeRest(rest, line, over) {
    const holds = !this.#begun && (!line || mayClose(line, this.#fence));
    if (over) {
      if (line && !(closes(line, this.#fence) && !this.#begun)) this.#writePart(line);
      this.#finish("", "");
      return "";
    }
    if (!holds) this.#writePart(line);
    return rest;
  }

  /** @param {string} line */
  #writePart(line) {
    this.#append(this.#begun ? line.slice(this.#begun) : this.#end + dedent(line, this.#indent));
    this.#begun = line.length;
  }

  /** @param {string} text */
  #append(text) {
    if (text) this.#block.append(text);
  }

  /** @param {string} added @param {string} rest */
  #finish(added, rest) {
    this.#append(added);
    this.#block.finish();
    this.ended = true;
    return rest;
  }
}
