/** One turn. Only new text is appended: the cost of an event does not grow with the answer. */

import { copyButton } from "../dom/copy_button.js";
import { button, element, set } from "../dom/elements.js";
import { COPY_ANSWER, REGENERATE, RETRY } from "../sentences/buttons.js";
import { ANSWER_HEADING, CONTINUE } from "../sentences/turns.js";
import { AnswerText } from "./answer_text.js";
import { BranchWalker } from "./branch_walker.js";
import { CallsView } from "./calls_view.js";
import { QuestionView } from "./question_view.js";
import { reasoningText, statsText } from "./stats.js";
import { omittedText, statusOf } from "./status_text.js";

export class ResponseView {
  versions = 0; // of the turn, as rendered
  #question;
  #output = element("div", "output markdown");
  #outputText = new AnswerText(this.#output);
  #thoughts = element("details", "thoughts");
  #summary = element("summary");
  #reasoning = element("div", "reasoning markdown");
  #reasoningText = new AnswerText(this.#reasoning);
  #calls = new CallsView();
  #omitted = element("p", "omitted");
  #outcome = element("div", "outcome");
  #state = element("p", "state");
  #help = element("p", "error-help");
  #stats = element("p", "stats");
  #retry;
  #continue;
  #copy;
  #regenerate;
  #walker;
  #retries = false; // Retry does what Regenerate does

  /** @param {Turn} turn @param {TurnCallbacks} on */
  constructor(turn, on) {
    this.turn = turn;
    this.#question = new QuestionView(turn, on);
    this.#walker = new BranchWalker(turn, on.choose);
    this.#retry = button("retry", RETRY, () => on.retry(turn));
    this.#continue = button("continue", CONTINUE, () => on.continue(turn));
    this.#copy = copyButton({ label: COPY_ANSWER, text: () => turn.response?.output ?? "" });
    this.#regenerate = button("regenerate quiet", REGENERATE, () => on.regenerate(turn));
    this.element = element("article", "turn");
    this.element.append(this.#question.element, this.#answer());
  }

  #answer() {
    const answer = element("div", "answer");
    const words = element("div", "outcome-words");
    const foot = element("div", "foot");
    const tools = element("div", "tools-of-turn");
    this.#thoughts.append(this.#summary, this.#reasoning);
    for (const each of [this.#thoughts, this.#retry, this.#continue, this.#copy, this.#regenerate]) each.hidden = true; // until rendered
    words.append(this.#state, this.#help);
    this.#outcome.append(words, this.#retry, this.#continue);
    tools.append(this.#walker.element, this.#copy, this.#regenerate);
    foot.append(tools, this.#stats);
    const heading = element("h3", "visually-hidden", ANSWER_HEADING);
    answer.append(heading, this.#omitted, this.#thoughts, this.#output, this.#calls.element, this.#outcome, foot);
    return answer;
  }

  /** Begin to edit the question. Returns whether that is possible. */
  edit() {
    return this.#question.edit();
  }

  /** Returns whether all text is shown. @param {Situation} situation */
  render(situation) {
    this.versions = situation.siblings.length;
    const { turn } = this;
    const { response } = turn;
    const { dataset } = this.element;
    set(dataset, "status", turn.refusal ? "refused" : (response?.status ?? "unsent"));
    set(this.#output, "hidden", !response?.output);
    set(this.#output, "ariaBusy", String(turn.running));
    set(this.#thoughts, "hidden", !response?.reasoning);
    set(dataset, "voice", response?.refused ? "refusal" : "answer");
    this.#calls.render(response?.others ?? []);
    const omitted = omittedText(response);
    set(this.#omitted, "textContent", omitted);
    set(this.#omitted, "hidden", !omitted);
    this.#renderStatus(situation);
    this.#renderTools(situation);
    if (!response) return true;
    set(dataset, "responseId", response.id);
    set(this.#summary, "textContent", reasoningText(turn, situation.now));
    const { reasoning, output, edition } = response;
    const thought = this.#reasoningText.show(reasoning, edition, !turn.running);
    return this.#outputText.show(output, edition, !turn.running) && thought;
  }

  /** @param {Situation} situation */
  #renderStatus(situation) {
    const { text, help, trouble, flowing, retry, continues } = statusOf(this.turn, situation);
    const { dataset } = this.element;
    set(dataset, "flowing", String(flowing));
    set(dataset, "trouble", String(trouble));
    set(this.#state, "textContent", text);
    set(this.#state, "hidden", !text); // else an empty paragraph is read
    set(this.#help, "textContent", help);
    set(this.#help, "hidden", !help);
    this.#retries = retry;
    set(this.#retry, "hidden", !retry || situation.busy);
    set(this.#continue, "hidden", !continues || situation.busy || !situation.last);
    set(this.#stats, "textContent", statsText(this.turn, situation.now));
  }

  /** @param {Situation} situation */
  #renderTools({ siblings, busy }) {
    const { turn } = this;
    const walksHere = siblings.every((each) => each.asksAs(turn));
    this.#question.render({ siblings, walksHere: !walksHere, busy });
    this.#walker.render(walksHere ? siblings : [turn]);
    set(this.#copy, "hidden", turn.running || !turn.response?.output);
    set(this.#regenerate, "hidden", busy || turn.running || !turn.response || this.#retries);
  }
}
