/**
 * The text of an answer on screen, as Markdown: it grows within one edition and is replaced with the next.
 *
 * in:  the whole text so far, its edition, whether it is over
 * out: elements; whether there is more to show than one frame can take
 *
 * Where the parser fails, what stood before is built again, and the text goes on as it was written.
 */

import { element } from "../dom/elements.js";
import { GrowingText } from "../markdown/growing_text.js";
import { Markdown } from "../markdown/markdown.js";
import { MarkdownNodes } from "../markdown/markdown_nodes.js";

const FRAME_CHARS = 3_000; // about 10 ms on a slow machine: a long answer that is there at once is built over several frames

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
  #plain = null; // shows the text from #end on, once there is any
  #edition = 0;
  #begun = 0; // where the piece begins that was read last
  #shown = 0; // of what is read as Markdown
  #end = Infinity; // where the text stops to be read as Markdown
  #over = false;

  /** `make` has what reads Markdown, `{write(text), end()}`, and what shows text as it is, `{show(text, edition)}`. */
  constructor(root, make = MAKE) {
    this.#root = root;
    this.#make = make;
    this.#markdown = make.markdown(root);
  }

  /** Returns whether everything is shown. */
  show(text, edition, over) {
    if (edition !== this.#edition) this.#startAgain(Infinity);
    this.#edition = edition;
    if (!this.#tried(text.slice(0, this.#end), over || text.length > this.#end)) return false;
    if (text.length > this.#end) this.#showPlain(text.slice(this.#end));
    return true;
  }

  #tried(text, over) {
    try {
      return this.#read(text, over);
    } catch (error) {
      console.error(error);
      // from the piece that it failed at; if that was no help, or the text before does not end, from the beginning
      this.#startAgain(this.#end === Infinity ? this.#begun : 0);
      return false;
    }
  }

  #read(text, over) {
    if (this.#shown < text.length) {
      this.#begun = this.#shown;
      const end = wholeCharacters(text, Math.min(text.length, this.#shown + FRAME_CHARS));
      this.#markdown.write(text.slice(this.#shown, end));
      this.#shown = end;
    }
    if (this.#shown < text.length) return false;
    if (over && !this.#over && this.#shown) this.#markdown.end();
    this.#over ||= over;
    return true;
  }

  #showPlain(text) {
    this.#plain ??= this.#make.plain(this.#root);
    this.#plain.show(text, this.#edition);
  }

  #startAgain(end) {
    this.#root.replaceChildren();
    this.#markdown = this.#make.markdown(this.#root);
    this.#plain = null;
    this.#begun = this.#shown = 0;
    this.#end = end;
    this.#over = false;
  }
}

/** The same place, or the one behind it where it would cut a surrogate pair in two. */
function wholeCharacters(text, end) {
  const isHigh = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}
