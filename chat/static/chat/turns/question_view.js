/** A turn's input with its files, its Edit button and its versions. */

import { copyButton } from "../dom/copy_button.js";
import { button, element, set } from "../dom/elements.js";
import { COPY_QUESTION, EDIT } from "../sentences/buttons.js";
import { QUESTION_HEADING } from "../sentences/turns.js";
import { showText } from "./answer_text.js";
import { BranchWalker } from "./branch_walker.js";
import { FoldedText } from "./folded_text.js";
import { InputEditor } from "./input_editor.js";
import { sentFiles } from "./sent_files.js";

export class QuestionView {
  #text;
  #tools = element("div", "tools-of-turn");
  #edit;
  #walker;
  /** @type {InputEditor | null} */ #editor = null;
  #turn;
  #on;

  /** @param {Turn} turn @param {QuestionCallbacks} on */
  constructor(turn, on) {
    this.#turn = turn;
    this.#on = on;
    const input = element("div", "input markdown");
    this.#text = new FoldedText(turn.input, input, (text) => showText(input, text)).element;
    const copy = copyButton({ label: COPY_QUESTION, text: () => turn.input });
    copy.hidden = !turn.input;
    this.#walker = new BranchWalker(turn, on.choose);
    this.#edit = button("edit quiet", EDIT, () => this.#open());
    this.#edit.hidden = true; // until rendered
    this.#tools.append(this.#walker.element, this.#edit, copy);
    this.element = element("div", "question");
    this.element.append(
      element("h2", "visually-hidden", QUESTION_HEADING),
      sentFiles(turn.attachments, on.fileUrl),
      this.#text,
    );
    this.element.append(this.#tools);
  }

  /** @param {QuestionSituation} situation */
  render({ siblings, walksHere, busy }) {
    this.#walker.render(walksHere ? siblings : [this.#turn]);
    set(this.#edit, "hidden", busy || !this.#turn.response);
    if (this.#editor) this.#editor.element.inert = busy;
  }

  /** Begin to edit. Returns whether that is possible. */
  edit() {
    if (this.#edit.hidden || this.#editor) return false;
    this.#open();
    return true;
  }

  #open() {
    this.#editor = new InputEditor(this.#turn, {
      send: (text) => {
        this.#close();
        this.#on.edit(this.#turn, text);
      },
      cancel: () => {
        this.#close();
        this.#edit.focus();
      },
    });
    this.#text.hidden = this.#tools.hidden = true;
    this.element.append(this.#editor.element);
    this.#editor.begin();
  }

  #close() {
    this.#editor?.element.remove();
    this.#editor = null;
    this.#tools.hidden = false;
    this.#text.hidden = !this.#turn.input;
  }
}
