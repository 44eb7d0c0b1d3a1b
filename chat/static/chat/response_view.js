/**
 * The DOM of one turn: the input, the reasoning, the answer, and how it stands.
 *
 * in:  a turn of conversation.js, rendered whenever it changed
 * out: its element for page.js; `retry(turn)` when the reader asks again
 *
 * Text goes in as text nodes, and only what is new is appended: the cost of an event does not grow with the answer.
 */

import { standing } from "./sentences.js";

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** A text that grows within one edition and is replaced with the next. */
class GrowingText {
  #node = document.createTextNode("");
  #edition = -1;

  constructor(parent) {
    parent.append(this.#node);
  }

  show(text, edition) {
    if (edition !== this.#edition) this.#node.data = text;
    else if (text.length > this.#node.length) this.#node.appendData(text.slice(this.#node.length));
    this.#edition = edition;
  }
}

function set(target, name, value) {
  if (target[name] !== value) target[name] = value;
}

export class ResponseView {
  #state = element("p", "state");
  #retry = element("button", "retry", "Retry");
  #thoughts = element("details", "thoughts");
  #reasoning = element("div", "reasoning");
  #output = element("div", "output");
  #outputText = new GrowingText(this.#output);
  #reasoningText = new GrowingText(this.#reasoning);

  constructor(turn, { retry }) {
    this.turn = turn;
    this.element = element("article", "turn");
    const answer = element("div", "answer");
    const outcome = element("div", "outcome");
    this.#retry.type = "button";
    this.#retry.addEventListener("click", () => retry(turn));
    this.#thoughts.append(element("summary", "", "Reasoning"), this.#reasoning);
    outcome.append(this.#state, this.#retry);
    answer.append(element("h3", "unseen", "Answer"), this.#thoughts, this.#output, outcome);
    this.element.append(element("h2", "unseen", "You asked"), element("p", "input", turn.input), answer);
  }

  /** `situation` is `{connection, now, latest}`; only the latest turn offers Retry. */
  render(situation) {
    const { turn } = this;
    const { follow } = turn;
    const { words, trouble, flowing, retry } = standing(turn, situation);
    const { dataset } = this.element;
    if (follow) {
      set(dataset, "responseId", follow.id);
      this.#outputText.show(follow.output, follow.edition);
      this.#reasoningText.show(follow.reasoning, follow.edition);
    }
    set(dataset, "status", turn.refusal ? "refused" : (follow?.status ?? "unsent"));
    set(dataset, "flowing", String(flowing));
    set(dataset, "trouble", String(trouble));
    set(this.#output, "hidden", !follow?.output);
    set(this.#output, "ariaBusy", String(turn.running));
    set(this.#thoughts, "hidden", !follow?.reasoning);
    set(this.#state, "textContent", words);
    set(this.#retry, "hidden", !(retry && situation.latest === turn));
  }
}
