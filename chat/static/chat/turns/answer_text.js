/** A text as Markdown. If the parser fails, the rest is plain. */

import { element } from "../dom/elements.js";
import { GrowingMarkdown } from "../markdown/growing_markdown.js";
import { GrowingText } from "../markdown/growing_text.js";

const FRAME_CHARS = 3_000; // about 10 ms on a slow machine

/** @type {TextMakers} */
const MAKE = {
  markdown: (root) => new GrowingMarkdown(root),
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
  #waits = false; // the parser has text that it has not shown
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
    const continues = this.#ended && this.#shown < Math.min(text.length, this.#end);
    if (edition !== this.#edition || continues) this.#restart(Infinity);
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
    if (this.#waits) this.#waits = !this.#markdown.write("");
    if (!this.#waits && this.#shown < text.length) this.#feed(text);
    if (this.#shown < text.length) return false;
    if (ended && !this.#ended && this.#shown) this.#markdown.end();
    this.#ended ||= ended;
    return this.#ended || !this.#waits;
  }

  /** @param {string} text */
  #feed(text) {
    this.#start = this.#shown;
    const end = wholeCharacters(text, Math.min(text.length, this.#shown + FRAME_CHARS));
    this.#shown = end;
    this.#waits = !this.#markdown.write(text.slice(this.#start, end));
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
    this.#ended = this.#waits = false;
  }
}

/** `end`, or one more: a surrogate pair stays whole. @param {string} text @param {number} end */
function wholeCharacters(text, end) {
  const isHigh = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}

/** @type {WeakMap<HTMLElement, AnswerText>} */
const texts = new WeakMap(); // the latest of an element

/** Show a text that does not change, instead of an earlier one; a long one in several frames. @param {HTMLElement} root @param {string} text */
export function showText(root, text) {
  root.replaceChildren();
  const shown = new AnswerText(root);
  texts.set(root, shown);
  const step = () => texts.get(root) !== shown || shown.show(text, 0, true) || requestAnimationFrame(step);
  step();
}
