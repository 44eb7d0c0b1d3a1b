/**
 * The text of an answer on screen, as Markdown: it grows within one edition and is replaced with the next.
 *
 * in:  the whole text so far, its edition, whether it is over
 * out: elements; whether there is more to show than one frame can take
 */

import { Markdown } from "./markdown.js";
import { MarkdownNodes } from "./markdown_nodes.js";

const FRAME_CHARS = 3_000; // about 10 ms on a slow machine: a long answer that is there at once is built over several frames

export class AnswerText {
  #root;
  #markdown;
  #edition = 0;
  #shown = 0;
  #over = false;

  constructor(root) {
    this.#root = root;
    this.#markdown = new Markdown(new MarkdownNodes(root));
  }

  /** Returns whether everything is shown. */
  show(text, edition, over) {
    if (edition !== this.#edition) this.#startAgain(edition);
    if (this.#shown < text.length) {
      const end = wholeCharacters(text, Math.min(text.length, this.#shown + FRAME_CHARS));
      this.#markdown.write(text.slice(this.#shown, end));
      this.#shown = end;
    }
    if (this.#shown < text.length) return false;
    if (over && !this.#over) this.#markdown.end();
    this.#over ||= over;
    return true;
  }

  #startAgain(edition) {
    this.#root.replaceChildren();
    this.#markdown = new Markdown(new MarkdownNodes(this.#root));
    this.#edition = edition;
    this.#shown = 0;
    this.#over = false;
  }
}

/** The same place, or the one behind it where it would cut a surrogate pair in two. */
function wholeCharacters(text, end) {
  const isHigh = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}
