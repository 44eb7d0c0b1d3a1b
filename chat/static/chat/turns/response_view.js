/**
 * The DOM of one turn: the input, the reasoning, the answer, how it stands, and what can be done about it.
 *
 * in:  a turn of conversation.js, rendered whenever it changed
 * out: its element for turn_list.js; `retry`, `regenerate`, `edit` and `choose` when the reader wants that
 *
 * Only what is new is appended: the cost of an event does not grow with the answer.
 */

import { AnswerText } from "./answer_text.js";
import { BranchWalker } from "./branch_walker.js";
import { copyButton } from "../dom/copy_button.js";
import { button, element, set } from "../dom/elements.js";
import { figures, thoughtWords } from "./stats.js";
import { GrowingText } from "../markdown/growing_text.js";
import { QuestionView } from "./question_view.js";
import { standing } from "./status_text.js";

export class ResponseView {
  #question;
  #output = element("div", "output");
  #outputText = new AnswerText(this.#output);
  #thoughts = element("details", "thoughts");
  #summary = element("summary");
  #reasoning = element("div", "reasoning");
  #reasoningText = new GrowingText(this.#reasoning);
  #outcome = element("div", "outcome");
  #state = element("p", "state");
  #remedy = element("p", "remedy");
  #figures = element("p", "figures");
  #retry;
  #copy;
  #regenerate;
  #walker;

  constructor(turn, on) {
    this.turn = turn;
    this.#question = new QuestionView(turn, on);
    this.#walker = new BranchWalker(turn, on.choose);
    this.#retry = button("retry", "Retry", () => on.retry(turn));
    this.#copy = copyButton({ label: "Copy this answer as Markdown", text: () => turn.follow.output });
    this.#regenerate = button("regenerate quiet", "Regenerate", () => on.regenerate(turn));
    this.element = element("article", "turn");
    this.element.append(this.#question.element, this.#answer());
  }

  #answer() {
    const answer = element("div", "answer");
    const words = element("div", "outcome-words");
    const foot = element("div", "foot");
    const tools = element("div", "tools-of-turn");
    this.#reasoning.dir = "auto";
    this.#thoughts.append(this.#summary, this.#reasoning);
    for (const each of [this.#thoughts, this.#retry, this.#copy, this.#regenerate]) each.hidden = true; // until rendered
    words.append(this.#state, this.#remedy);
    this.#outcome.append(words, this.#retry);
    tools.append(this.#walker.element, this.#copy, this.#regenerate);
    foot.append(tools, this.#figures);
    answer.append(element("h3", "unseen", "Answer"), this.#thoughts, this.#output, this.#outcome, foot);
    return answer;
  }

  /** `situation` is `{connection, now, busy, siblings}`. Returns whether all of it is on screen. */
  render(situation) {
    const { turn } = this;
    const { follow } = turn;
    const { dataset } = this.element;
    set(dataset, "status", turn.refusal ? "refused" : (follow?.status ?? "unsent"));
    set(this.#output, "hidden", !follow?.output);
    set(this.#output, "ariaBusy", String(turn.running));
    set(this.#thoughts, "hidden", !follow?.reasoning);
    this.#renderStanding(situation);
    this.#renderTools(situation);
    if (!follow) return true;
    set(dataset, "responseId", follow.id);
    set(this.#summary, "textContent", thoughtWords(turn, situation.now));
    this.#reasoningText.show(follow.reasoning, follow.edition);
    return this.#outputText.show(follow.output, follow.edition, !turn.running);
  }

  #renderStanding(situation) {
    const { words, remedy, trouble, flowing, retry } = standing(this.turn, situation);
    const { dataset } = this.element;
    set(dataset, "flowing", String(flowing));
    set(dataset, "trouble", String(trouble));
    set(this.#state, "textContent", words);
    set(this.#remedy, "textContent", remedy);
    set(this.#retry, "hidden", !retry || situation.busy);
    set(this.#figures, "textContent", figures(this.turn, situation.now));
  }

  #renderTools({ siblings, busy }) {
    const { turn } = this;
    const walksHere = siblings.every((each) => each.input === turn.input);
    this.#question.render({ siblings, walksHere: !walksHere, busy });
    this.#walker.render(walksHere ? siblings : [turn]);
    set(this.#copy, "hidden", turn.running || !turn.follow?.output);
    set(this.#regenerate, "hidden", busy || turn.running || !turn.follow);
  }
}
