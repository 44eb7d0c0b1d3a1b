/**
 * The text of an answer as Markdown elements: it grows within one edition and is replaced with the next.
 *
 * in:  the whole text so far, its edition, whether it has ended
 * out: elements; whether one frame was enough for all of it
 *
 * If the parser fails, the text before is built again and the rest is shown as plain text.
 */

import { element } from "../dom/elements.js";
import { GrowingText } from "../markdown/growing_text.js";
import { Markdown } from "../markdown/markdown.js";
import { MarkdownNodes } from "../markdown/markdown_nodes.js";

const FRAME_CHARS = 3_000; // about 10 ms on a slow machine: a long answer that arrives at once is built over several frames

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
  #plain = null; // shows the text from #end on, if any
  #edition = 0;
  #start = 0; // of the last piece
  #shown = 0; // characters given to the parser
  #end = Infinity; // the text from here on is plain
  #ended = false;

  /** `make.markdown(root)` returns `{write(text), end()}`, `make.plain(root)` returns `{show(text, edition)}`. */
  constructor(root, make = MAKE) {
    this.#root = root;
    this.#make = make;
    this.#markdown = make.markdown(root);
  }

  /** Returns whether all of it is shown. */
  show(text, edition, ended) {
    if (edition !== this.#edition) this.#restart(Infinity);
    this.#edition = edition;
    if (!this.#tried(text.slice(0, this.#end), ended || text.length > this.#end)) return false;
    if (text.length > this.#end) this.#showPlain(text.slice(this.#end));
    return true;
  }

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

  #showPlain(text) {
    this.#plain ??= this.#make.plain(this.#root);
    this.#plain.show(text, this.#edition);
  }

  #restart(end) {
    this.#root.replaceChildren();
    this.#markdown = this.#make.markdown(this.#root);
    this.#plain = null;
    this.#start = this.#shown = 0;
    this.#end = end;
    this.#ended = false;
  }
}

/** `end`, or one more where that would cut a surrogate pair in two. */
function wholeCharacters(text, end) {
  const isHigh = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}
