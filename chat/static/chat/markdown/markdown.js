/**
 * Parses Markdown as it arrives and builds it through a sink, append-only. Pure. A hostile or unfinished text is safe:
 * refused links, HTML, maths and unfinished links stay plain text.
 */

import * as smd from "../vendor/streaming-markdown-html/parser.js";
import { unescapeMarkdown } from "./escape.js";
import { GuardedParser } from "./guarded_parser.js";
import { safeLink, withoutPunctuation } from "./links.js";
import { Maths } from "./maths.js";

/** @type {Map<number, Kind>} */
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

export class Markdown {
  #sink;
  #parser;
  #maths;
  /** @type {Frame[]} */ #frames = []; // innermost last
  #text = "";

  /** @param {Sink} sink */
  constructor(sink) {
    this.#sink = sink;
    this.#parser = new GuardedParser({
      addToken: (_, type) => this.#open(type),
      endToken: () => this.#close(),
      addText: (_, text) => this.#addText(text),
      setAttr: (_, attribute, value) => this.#set(attribute, value),
    });
    this.#maths = new Maths(this.#parser);
  }

  /** @param {string} text */
  write(text) {
    this.#maths.write(text);
    this.#flush();
  }

  /** Flush pending text. */
  end() {
    this.#maths.end();
    this.#parser.feed("\n");
    while (this.#frames.length) this.#close();
  }

  /** @param {number} type */
  #open(type) {
    this.#flush();
    this.#frames.push({ type, text: "", address: null });
    const kind = KINDS.get(type);
    if (kind) this.#sink.open(kind);
  }

  /** @param {string} text */
  #addText(text) {
    const frame = this.#frames.at(-1);
    if (frame?.type === smd.RAW_URL) frame.text += text;
    else this.#text += text;
  }

  /** @param {number} attribute @param {string} value */
  #set(attribute, value) {
    const frame = this.#frames.at(-1);
    if (!frame) return;
    if (attribute === smd.HREF || attribute === smd.SRC) frame.address = unescapeMarkdown(value);
    else if (attribute === smd.ALT) frame.text = value;
    else if (attribute === smd.LANG) this.#sink.set("language", unescapeMarkdown(value).replace("language-", ""));
    else if (attribute === smd.START) this.#sink.set("start", value);
    else if (attribute === smd.CHECKED) this.#sink.set("checked", "true");
  }

  #close() {
    this.#flush();
    const frame = this.#frames.pop();
    if (!frame) return;
    if (frame.type === smd.RAW_URL) return this.#bareAddress(unescapeMarkdown(frame.text));
    if (frame.type === smd.IMAGE) return this.#image(frame);
    if (frame.type !== smd.LINK) return this.#sink.close();
    const link = frame.address === null ? null : safeLink(frame.address);
    this.#sink.close({ link, before: "[", after: this.#ending(frame) });
  }

  /** The source after the text of a refused link or image. @param {Frame} frame */
  #ending({ address }) {
    return address === null ? this.#parser.bracket : `](${address})`;
  }

  /** @param {Frame} frame */
  #image(frame) {
    const unset = this.#parser.takeAlt();
    const alt = unescapeMarkdown(frame.text || unset);
    const link = frame.address === null ? null : safeLink(frame.address);
    if (link) this.#sink.image({ alt, link });
    else this.#sink.text(`![${alt}${this.#ending(frame)}`);
  }

  /** @param {string} text */
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
    if (text) this.#sink.text(unescapeMarkdown(text));
    this.#text = "";
  }
}
