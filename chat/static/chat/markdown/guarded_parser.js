/**
 * The vendored Markdown parser, and guards for text that it would lose, nest too deeply, or read as something else. Pure.
 *
 * in:  pieces of text: runs without special characters, and single characters (maths.js)
 * out: the callbacks of the parser, for markdown.js
 */

import * as smd from "../vendor/streaming-markdown-html/parser.js";
import { escapeMarkdown } from "./escape.js";

const DEEPEST = 14; // the parser has room for 24 levels; deeper nesting is text
const LONGEST_PENDING = 2_000; // a longer address of a link is none
const CODE = new Set([smd.CODE_INLINE, smd.CODE_FENCE, smd.CODE_BLOCK]);
const LISTS = new Set([smd.LIST_UNORDERED, smd.LIST_ORDERED]);
const ADDRESSED = new Set([smd.LINK, smd.IMAGE]);

/** Whether a line with this beginning may be an item of a list; a quotation has its own rules. */
const mayBeItem = (start) => /^(\s*|[-*+]( .*)?|\d+(\.( .*)?)?|>.*)$/.test(start);

/** After an empty line: the kind of the next line depends on each of its first characters. */
const beginsLine = ({ token, pending }) => LISTS.has(token) || (token === smd.LINE_BREAK && pending === "\n");

/** After an empty line, at the margin: the parser would close only the innermost list. */
function leaveLists(parser) {
  const begun = parser.pending.trimStart();
  parser.pending = "\n";
  smd.parserWrite(parser, `\n${begun}`);
}

/** A fence after text on the same line does not end the code. */
function keepFence(parser) {
  if (["\n", parser.fenceChar, undefined].includes(parser.pending[0])) return;
  parser.text += parser.pending;
  parser.pending = "";
}

export class GuardedParser {
  #parser;
  #cut = false; // the link or image that ends now has no "]"

  constructor(callbacks) {
    this.#parser = smd.parser({ data: null, ...callbacks });
  }

  /** Whether the next character is inside code. */
  get inCode() {
    const { pending, tokens, len } = this.#parser;
    return CODE.has(tokens[len]) || pending[0] === "`" || pending.startsWith("~~~");
  }

  /** The source after the text of the link or image that ends now without an address. */
  get bracket() {
    return this.#parser.pending === "]" && !this.#cut ? "]" : "";
  }

  /** The text of the image that ends now, if it has no address. */
  takeAlt() {
    const { altText } = this.#parser;
    this.#parser.altText = "";
    return altText;
  }

  feed(piece) {
    const parser = this.#parser;
    if (beginsLine(parser) && [...piece].length > 1) {
      for (const char of piece) this.feed(char);
      return;
    }
    if (LISTS.has(parser.token) && !mayBeItem(parser.pending.trimStart() + piece) && !parser.indentLen) leaveLists(parser);
    const line = piece === "\n";
    const token = parser.tokens[parser.len];
    const inAddress = ADDRESSED.has(token) && parser.pending.startsWith("](");
    if (inAddress && (line || parser.pending.length > LONGEST_PENDING)) this.#giveUpAddress();
    else if (line && token === smd.IMAGE) this.#giveUpAddress();
    else if (line && token === smd.CODE_FENCE) keepFence(parser);
    smd.parserWrite(parser, parser.len > DEEPEST && !line && !this.inCode ? escapeMarkdown(piece) : piece);
    this.#cut = false;
  }

  /** Make the parser end the link or image here, with the supposed address as text. */
  #giveUpAddress() {
    const parser = this.#parser;
    this.#cut = parser.pending !== "]";
    if (this.#cut) parser.text += parser.pending;
    parser.pending = "]";
  }
}
