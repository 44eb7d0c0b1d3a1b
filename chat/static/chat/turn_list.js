/**
 * The turns on screen: adds, removes, and paints those that changed, at most once per frame.
 *
 * in:  turns of conversation.js, `touch(turn)` for each change
 * out: elements in the page; `say(words)` when the latest turn starts or ends; `painted(empty)` after each painting
 */

import { ResponseView } from "./response_view.js";
import { announcement } from "./sentences.js";

const HIDDEN_PAINT_MS = 250; // a page that nobody sees gets no animation frames

export class TurnList {
  #views = new Map(); // turn → ResponseView, oldest first
  #stale = new Set();
  #scheduled = false;
  #told = null; // the last announcement about the latest turn
  #element;
  #on;

  /** `on.connection()` is the socket's state. */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
  }

  get #latest() {
    return [...this.#views.keys()].at(-1);
  }

  add(turn) {
    if (this.#latest) this.touch(this.#latest); // it is the latest no longer
    const view = new ResponseView(turn, { retry: this.#on.retry });
    this.#views.set(turn, view);
    this.#element.append(view.element);
    this.#told = announcement(turn);
    this.touch(turn);
  }

  remove(turn) {
    this.#views.get(turn).element.remove();
    this.#views.delete(turn);
    this.touch(this.#latest);
  }

  touch(turn) {
    this.#stale.add(turn);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#paint(), HIDDEN_PAINT_MS);
    else requestAnimationFrame(() => this.#paint());
  }

  /** What is said about a running turn depends on the clock and on the connection too. */
  touchRunning() {
    for (const turn of this.#views.keys()) if (turn.running) this.touch(turn);
  }

  #paint() {
    this.#scheduled = false;
    const latest = this.#latest;
    const situation = { connection: this.#on.connection(), now: Date.now(), latest };
    for (const turn of this.#stale) this.#views.get(turn)?.render(situation);
    if (latest && this.#stale.has(latest)) this.#announce(latest);
    this.#stale.clear();
    this.#on.painted(this.#views.size === 0);
  }

  #announce(turn) {
    const words = announcement(turn);
    if (words === this.#told) return;
    this.#told = words;
    this.#on.say(words);
  }
}
