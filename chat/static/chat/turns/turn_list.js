/**
 * The DOM of the visible path: paints the turns that changed, at most once per frame.
 *
 * in:  the tree of a conversation to `show`; `layOut()` when its path has changed, `touch(turn)`
 *      when a turn has
 * out: elements in the page; `announce(text)` when the latest turn starts or ends; `painted(empty)` after each painting;
 *      the reader's `retry(turn)`, `regenerate(turn)`, `edit(turn, input)` and `choose(turn)`
 */

import { ResponseView } from "./response_view.js";
import { announcement } from "./status_text.js";

const FRAME_MS = 10; // of scripts, so that the browser has time for its part of the frame
const HIDDEN_PAINT_MS = 250; // a hidden page gets no animation frames

export class TurnList {
  #tree = null; // the shown one
  #views = new Map(); // turn → ResponseView
  #stale = new Set();
  #scheduled = false;
  #busy = false;
  #announced = null; // [the latest turn, its last announcement]
  #element;
  #on;
  #viewOn;

  /** `on.connection()` is the socket's state. */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    this.#viewOn = { ...on, choose: (turn) => this.#choose(turn) };
  }

  get #latest() {
    return this.#tree?.path.at(-1) ?? null;
  }

  /** Replace everything by another conversation. */
  show(tree) {
    this.#tree = tree;
    this.#views.clear();
    this.#stale.clear();
    this.#element.replaceChildren();
    this.#announced = null;
    this.layOut();
  }

  /** The path has changed: turns that are still on it keep their elements. */
  layOut() {
    const { path } = this.#tree;
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
    const latest = this.#latest;
    if (this.#announced?.[0] !== latest) this.#announced = latest && [latest, announcement(latest)];
    this.#schedule();
  }

  touch(turn) {
    if (!this.#views.has(turn)) return;
    this.#stale.add(turn);
    this.#schedule();
  }

  /** The text of a running turn also depends on the clock and on the connection. */
  touchRunning() {
    for (const turn of this.#views.keys()) if (turn.running) this.touch(turn);
  }

  #viewOf(turn) {
    if (!this.#views.has(turn)) this.#views.set(turn, new ResponseView(turn, this.#viewOn));
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
    const busy = this.#tree.running !== null;
    if (busy !== this.#busy) for (const turn of this.#views.keys()) this.#stale.add(turn); // their buttons change
    this.#busy = busy;
    this.#renderStale({ connection: this.#on.connection(), now: Date.now(), busy });
    this.#announce();
    this.#on.painted(this.#views.size === 0);
  }

  /** The newest first, the rest in later frames: a long conversation appears from its end and never freezes the page. */
  #renderStale(situation) {
    const until = performance.now() + FRAME_MS;
    for (const turn of [...this.#stale].reverse()) {
      const whole = this.#views.get(turn)?.render({ ...situation, siblings: this.#tree.siblings(turn) });
      if (whole !== false) this.#stale.delete(turn);
      if (performance.now() > until) break;
    }
    if (this.#stale.size) this.#schedule();
  }

  #announce() {
    const latest = this.#latest;
    if (!latest) return;
    const text = announcement(latest);
    if (text === this.#announced?.[1]) return;
    this.#announced = [latest, text];
    this.#on.announce(text);
  }

  /** Move the focus to the same button of the sibling that takes this turn's place. */
  #choose(turn) {
    const name = document.activeElement?.className;
    this.#on.choose(turn);
    this.#paint();
    const view = this.#views.get(turn);
    if (name && view) [...view.element.getElementsByClassName(name)].find((each) => !each.closest("[hidden]"))?.focus();
  }
}
