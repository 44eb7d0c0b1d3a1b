/**
 * Parses Markdown as it arrives and tells a sink what to build, append-only. Pure.
 *
 * in:  a text in pieces, cut anywhere; the vendored parser parses it
 * out: `open(kind)`, `set(name, value)`, `text(text)`, `image(facts)` and `close(facts)` of a sink (markdown_nodes.js)
 *
 * A model's text may be hostile or unfinished. Refused links, HTML, maths, and text that the parser would lose (a link
 * without its end) come out as plain text.
 */

import { safeLink, withoutPunctuation } from "./links.js";
import { escape, unescape } from "./escape.js";
import { Maths } from "./maths.js";
import * as smd from "../vendor/streaming-markdown-html/parser.js";

const DEEPEST = 14; // the parser has room for 24 levels; deeper nesting is text
const LONGEST_PENDING = 2_000; // a longer address of a link is none
const CODE = new Set([smd.CODE_INLINE, smd.CODE_FENCE, smd.CODE_BLOCK]);
const LISTS = new Set([smd.LIST_UNORDERED, smd.LIST_ORDERED]);
const KINDS = new Map([
  [smd.PARAGRAPH, "p"],
  [smd.HEADING_1, "h1"],
  [smd.HEADING_2, "h2"],
  [smd.HEADING_3, "h3"],
  [smd.HEADING_4, "h4"],
  [smd.HEADING_5, "h5"],
  [smd.HEADING_6, "h6"],
  [smd.CODE_BLOCK, "codeblock"],
  [smd.CODE_FENCE, "codeblock"],
  [smd.CODE_INLINE, "code"],
  [smd.ITALIC_AST, "em"],
  [smd.ITALIC_UND, "em"],
  [smd.STRONG_AST, "strong"],
  [smd.STRONG_UND, "strong"],
  [smd.STRIKE, "del"],
  [smd.LINK, "a"],
  [smd.BLOCKQUOTE, "blockquote"],
  [smd.LINE_BREAK, "br"],
  [smd.RULE, "hr"],
  [smd.LIST_UNORDERED, "ul"],
  [smd.LIST_ORDERED, "ol"],
  [smd.LIST_ITEM, "li"],
  [smd.CHECKBOX, "checkbox"],
  [smd.TABLE, "table"],
  [smd.TABLE_ROW, "tr"],
  [smd.TABLE_CELL, "td"],
]);

/** Whether a line with this beginning may be an item of a list; a quotation has its own rules. */
const mayBeItem = (start) => /^(\s*|[-*+]( .*)?|\d+(\.( .*)?)?|>.*)$/.test(start);

export class Markdown {
  #sink;
  #parser;
  #maths;
  #frames = []; // the open tokens, innermost last: { type, text, address, cut }
  #text = "";

  constructor(sink) {
    this.#sink = sink;
    this.#parser = smd.parser({
      data: null,
      addToken: (_, type) => this.#open(type),
      endToken: () => this.#close(),
      addText: (_, text) => this.#addText(text),
      setAttr: (_, attribute, value) => this.#set(attribute, value),
    });
    this.#maths = new Maths({ feed: (piece) => this.#feed(piece), isCode: () => this.#isCode() });
  }

  write(text) {
    this.#maths.write(text);
    this.#flush();
  }

  /** The text has ended: flush what is pending. */
  end() {
    this.#maths.end();
    this.#feed("\n");
    while (this.#frames.length) this.#close();
  }

  #isCode() {
    const { pending, tokens, len } = this.#parser;
    return CODE.has(tokens[len]) || pending[0] === "`" || pending.startsWith("~~~");
  }

  #feed(piece) {
    const parser = this.#parser;
    const line = piece === "\n";
    if (this.#beginsLine() && [...piece].length > 1) return void [...piece].forEach((char) => this.#feed(char));
    if (LISTS.has(parser.token) && !mayBeItem(parser.pending.trimStart() + piece) && !parser.indentLen) this.#leaveLists();
    if (this.#isAddress(parser) && (line || parser.pending.length > LONGEST_PENDING)) this.#giveUpAddress();
    else if (line && parser.tokens[parser.len] === smd.IMAGE) this.#giveUpAddress();
    else if (line && parser.tokens[parser.len] === smd.CODE_FENCE) this.#keepFence(parser);
    smd.parserWrite(parser, parser.len > DEEPEST && !line && !this.#isCode() ? escape(piece) : piece);
  }

  /** After an empty line, at the margin: the parser would close only the innermost list. */
  #leaveLists() {
    const parser = this.#parser;
    const begun = parser.pending.trimStart();
    parser.pending = "\n";
    smd.parserWrite(parser, `\n${begun}`);
  }

  /** A fence after text on the same line does not end the code. */
  #keepFence(parser) {
    if (["\n", parser.fenceChar, undefined].includes(parser.pending[0])) return;
    parser.text += parser.pending;
    parser.pending = "";
  }

  /** After an empty line: the kind of the next line depends on each of its first characters. */
  #beginsLine() {
    const { token, pending } = this.#parser;
    return LISTS.has(token) || (token === smd.LINE_BREAK && pending === "\n");
  }

  #isAddress({ tokens, len, pending }) {
    return (tokens[len] === smd.LINK || tokens[len] === smd.IMAGE) && pending.startsWith("](");
  }

  /** Make the parser end the link or image here, with the supposed address as text. */
  #giveUpAddress() {
    const parser = this.#parser;
    parser.text += parser.pending === "]" ? "" : parser.pending;
    this.#frames.at(-1).cut = parser.pending !== "]";
    parser.pending = "]";
  }

  #open(type) {
    this.#flush();
    this.#frames.push({ type, text: "", address: null, cut: false });
    if (KINDS.has(type)) this.#sink.open(KINDS.get(type));
  }

  #addText(text) {
    const frame = this.#frames.at(-1);
    if (frame?.type === smd.RAW_URL) frame.text += text;
    else this.#text += text;
  }

  #set(attribute, value) {
    const frame = this.#frames.at(-1);
    if (attribute === smd.HREF || attribute === smd.SRC) frame.address = unescape(value);
    else if (attribute === smd.ALT) frame.text = value;
    else if (attribute === smd.LANG) this.#sink.set("language", unescape(value).replace("language-", ""));
    else if (attribute === smd.START) this.#sink.set("start", value);
    else if (attribute === smd.CHECKED) this.#sink.set("checked", true);
  }

  #close() {
    this.#flush();
    const frame = this.#frames.pop();
    if (frame.type === smd.RAW_URL) return this.#bareAddress(unescape(frame.text));
    if (frame.type === smd.IMAGE) return this.#image(frame);
    if (frame.type !== smd.LINK) return this.#sink.close();
    const link = frame.address === null ? null : safeLink(frame.address);
    this.#sink.close({ link, before: "[", after: this.#ending(frame) });
  }

  /** The source after the text of a link or image that is none. */
  #ending({ address, cut }) {
    if (address !== null) return `](${address})`;
    return this.#parser.pending === "]" && !cut ? "]" : "";
  }

  #image(frame) {
    const alt = unescape(frame.text || this.#parser.altText);
    this.#parser.altText = "";
    const link = frame.address === null ? null : safeLink(frame.address);
    if (link) this.#sink.image({ alt, link });
    else this.#sink.text(`![${alt}${this.#ending(frame)}`);
  }

  #bareAddress(text) {
    const [address, rest] = withoutPunctuation(text);
    const link = safeLink(address);
    if (!link) return this.#sink.text(text);
    this.#sink.open("a");
    this.#sink.text(address);
    this.#sink.close({ link, before: "", after: "" });
    if (rest) this.#sink.text(rest);
  }

  #flush() {
    const text = this.#frames.length ? this.#text : this.#text.trim(); // the parser leaves spaces between blocks
    if (text) this.#sink.text(unescape(text));
    this.#text = "";
  }
}
