/**
 * The turns on screen: those of the path that is shown. Paints what changed, at most once per frame.
 *
 * in:  a conversation to `show`; `lay()` when its path has changed, `touch(turn)` when a turn has
 * out: elements in the page; `say(words)` when the latest turn starts or ends; `painted(empty)` after each painting;
 *      `retry(turn)`, `regenerate(turn)`, `edit(turn, input)` and `choose(turn)` when the reader wants that
 */

import { ResponseView } from "./response_view.js";
import { announcement } from "./status_text.js";

const FRAME_MS = 10; // of scripts, so that the browser has time for its part of the frame
const HIDDEN_PAINT_MS = 250; // a page that nobody sees gets no animation frames

export class TurnList {
  #conversation = null;
  #views = new Map(); // turn → ResponseView
  #stale = new Set();
  #scheduled = false;
  #busy = false;
  #told = null; // [the latest turn, what was last said of it]
  #element;
  #on;
  #wishes; // what a view may ask for

  /** `on.connection()` is the socket's state. */
  constructor(element, on) {
    const { retry, regenerate, edit } = on;
    this.#element = element;
    this.#on = on;
    this.#wishes = { retry, regenerate, edit, choose: (turn) => this.#choose(turn) };
  }

  get #latest() {
    return this.#conversation?.path.at(-1) ?? null;
  }

  /** Another conversation: nothing of the one before is kept. */
  show(conversation) {
    this.#conversation = conversation;
    this.#views.clear();
    this.#stale.clear();
    this.#element.replaceChildren();
    this.#told = null;
    this.lay();
  }

  /** The path has changed: what is on it stays where it is, the rest goes. */
  lay() {
    const { path } = this.#conversation;
    const wanted = new Set(path);
    for (const [turn, view] of this.#views) {
      if (wanted.has(turn)) continue;
      view.element.remove();
      this.#views.delete(turn);
    }
    path.forEach((turn, index) => {
      const { element } = this.#viewOf(turn);
      const here = this.#element.children[index];
      if (here !== element) this.#element.insertBefore(element, here ?? null);
      this.touch(turn); // its siblings may have changed
    });
    if (this.#told?.[0] !== this.#latest) this.#told = this.#latest && [this.#latest, announcement(this.#latest)];
    this.#schedule();
  }

  touch(turn) {
    if (!this.#views.has(turn)) return;
    this.#stale.add(turn);
    this.#schedule();
  }

  /** What is said about a running turn depends on the clock and on the connection too. */
  touchRunning() {
    for (const turn of this.#views.keys()) if (turn.running) this.touch(turn);
  }

  #viewOf(turn) {
    if (!this.#views.has(turn)) this.#views.set(turn, new ResponseView(turn, this.#wishes));
    return this.#views.get(turn);
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#paint(), HIDDEN_PAINT_MS);
    else requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#scheduled = false;
    const conversation = this.#conversation;
    const busy = conversation.running !== null;
    if (busy !== this.#busy) for (const turn of this.#views.keys()) this.#stale.add(turn); // they offer more, or less
    this.#busy = busy;
    this.#renderStale({ connection: this.#on.connection(), now: Date.now(), busy });
    this.#announce();
    this.#on.painted(this.#views.size === 0);
  }

  /** The newest first, and the rest with the next frame: a long conversation is shown from its end on, and never freezes the page. */
  #renderStale(situation) {
    const until = performance.now() + FRAME_MS;
    for (const turn of [...this.#stale].reverse()) {
      const whole = this.#views.get(turn)?.render({ ...situation, siblings: this.#conversation.siblings(turn) });
      if (whole !== false) this.#stale.delete(turn);
      if (performance.now() > until) break;
    }
    if (this.#stale.size) this.#schedule();
  }

  #announce() {
    const latest = this.#latest;
    if (!latest) return;
    const words = announcement(latest);
    if (words === this.#told?.[1]) return;
    this.#told = [latest, words];
    this.#on.say(words);
  }

  /** The reader walks on from the sibling that takes this one's place. */
  #choose(turn) {
    const name = document.activeElement?.className;
    this.#on.choose(turn);
    this.#paint();
    const view = this.#views.get(turn);
    if (name && view) [...view.element.getElementsByClassName(name)].find((each) => !each.closest("[hidden]"))?.focus();
  }
}
