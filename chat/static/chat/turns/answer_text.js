/** The text of an answer as Markdown. If the parser fails, the rest is plain. */

import { element } from "../dom/elements.js";
import { GrowingText } from "../markdown/growing_text.js";
import { Markdown } from "../markdown/markdown.js";
import { MarkdownNodes } from "../markdown/markdown_nodes.js";

const FRAME_CHARS = 3_000; // about 10 ms on a slow machine

/** @type {TextMakers} */
const MAKE = {
  markdown: (root) => new Markdown(new MarkdownNodes(root)),
  plain(root) {
    const block = element("div", "plain");
    root.append(block);
    return new GrowingText(block);
  },
};

export class AnswerText {
  #root;
  #make;
  #markdown;
  /** @type {PlainText | null} */ #plain = null; // the text from #end on
  #edition = 0;
  #start = 0; // of the last piece
  #shown = 0; // characters read by the parser
  #end = Infinity; // the rest is plain
  #ended = false;

  /** @param {HTMLElement} root */
  constructor(root, make = MAKE) {
    this.#root = root;
    this.#make = make;
    this.#markdown = make.markdown(root);
  }

  /**
   * Returns whether all is shown; else call again in the next frame. A new edition replaces the text.
   * @param {string} text
   * @param {number} edition
   * @param {boolean} ended
   */
  show(text, edition, ended) {
    if (edition !== this.#edition) this.#restart(Infinity);
    this.#edition = edition;
    if (!this.#tried(text.slice(0, this.#end), ended || text.length > this.#end)) return false;
    if (text.length > this.#end) this.#showPlain(text.slice(this.#end));
    return true;
  }

  /** @param {string} text @param {boolean} ended */
  #tried(text, ended) {
    try {
      return this.#read(text, ended);
    } catch (error) {
      console.error(error);
      // plain from the piece that failed; if that fails too, from the beginning
      this.#restart(this.#end === Infinity ? this.#start : 0);
      return false;
    }
  }

  /** @param {string} text @param {boolean} ended */
  #read(text, ended) {
    if (this.#shown < text.length) {
      this.#start = this.#shown;
      const end = wholeCharacters(text, Math.min(text.length, this.#shown + FRAME_CHARS));
      this.#markdown.write(text.slice(this.#shown, end));
      this.#shown = end;
    }
    if (this.#shown < text.length) return false;
    if (ended && !this.#ended && this.#shown) this.#markdown.end();
    this.#ended ||= ended;
    return true;
  }

  /** @param {string} text */
  #showPlain(text) {
    this.#plain ??= this.#make.plain(this.#root);
    this.#plain.show(text, this.#edition);
  }

  /** @param {number} end */
  #restart(end) {
    this.#root.replaceChildren();
    this.#markdown = this.#make.markdown(this.#root);
    this.#plain = null;
    this.#start = this.#shown = 0;
    this.#end = end;
    this.#ended = false;
  }
}

/** `end`, or one more: a surrogate pair stays whole. @param {string} text @param {number} end */
function wholeCharacters(text, end) {
  const isHigh = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}
