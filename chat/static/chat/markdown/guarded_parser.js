/** The vendored Markdown parser, guarded against text that it would lose, nest too deeply, or misread. Pure. */

import * as smd from "../vendor/streaming-markdown-html/parser.js";
import { escapeMarkdown } from "./escape.js";

const DEEPEST = 14; // deeper nesting is text: the parser has room for 24 levels
const LONGEST_PENDING = 2_000; // characters of an address
const CODE = new Set([smd.CODE_INLINE, smd.CODE_FENCE, smd.CODE_BLOCK]);
const LISTS = new Set([smd.LIST_UNORDERED, smd.LIST_ORDERED]);
const ADDRESSED = new Set([smd.LINK, smd.IMAGE]);

/** Whether a line that starts so may be a list item. Quotations have their own rules. @param {string} start */
const mayBeItem = (start) => /^(\s*|[-*+]( .*)?|\d+(\.( .*)?)?|>.*)$/.test(start);

/** After an empty line the first characters decide the kind of the next. @param {smd.Parser} parser */
const beginsLine = ({ token, pending }) => LISTS.has(token) || (token === smd.LINE_BREAK && pending === "\n");

/** After an empty line, at the margin: the parser would close only the innermost list. @param {smd.Parser} parser */
function leaveLists(parser) {
  const begun = parser.pending.trimStart();
  parser.pending = "\n";
  smd.parserWrite(parser, `\n${begun}`);
}

/** A fence after text on the same line does not end the code. @param {smd.Parser} parser */
function keepFence(parser) {
  if (["", "\n", parser.fenceChar].includes(parser.pending.charAt(0))) return;
  parser.text += parser.pending;
  parser.pending = "";
}

export class GuardedParser {
  #parser;
  #cut = false; // the link or image ended without "]"

  /** @param {Omit<smd.Renderer, "data">} callbacks */
  constructor(callbacks) {
    this.#parser = smd.parser({ data: null, ...callbacks });
  }

  get inCode() {
    const { pending, tokens, len } = this.#parser;
    return CODE.has(tokens[len]) || pending[0] === "`" || pending.startsWith("~~~");
  }

  /** The source after a link or image without an address. */
  get bracket() {
    return this.#parser.pending === "]" && !this.#cut ? "]" : "";
  }

  /** The text of an image without an address, once it ends. */
  takeAlt() {
    const { altText } = this.#parser;
    this.#parser.altText = "";
    return altText;
  }

  /** @param {string} piece */
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

  /** End the link or image here; its address becomes text. */
  #giveUpAddress() {
    const parser = this.#parser;
    this.#cut = parser.pending !== "]";
    if (this.#cut) parser.text += parser.pending;
    parser.pending = "]";
  }
}
