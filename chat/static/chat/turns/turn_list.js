/** The visible path: renders changed turns, at most once per frame. */

import { ResponseView } from "./response_view.js";
import { announcement } from "./status_text.js";

const FRAME_MS = 10; // of scripts; the rest is for the browser
const FOUND_MS = 3_000; // that a found turn is marked
const HIDDEN_PAINT_MS = 250; // a hidden page gets no animation frames

export class TurnList {
  /** @type {TurnTree | null} */ #tree = null;
  /** @type {Map<Turn, ResponseView>} */ #views = new Map();
  /** @type {Set<Turn>} */ #stale = new Set();
  /** @type {Turn | null} */ #revealed = null; // once it is painted
  #scheduled = false;
  #busy = false;
  /** @type {[turn: Turn, text: string | null] | null} */ #announced = null; // the last one of the latest turn
  #element;
  #on;
  #viewOn;

  /** @param {HTMLElement} element @param {TurnListCallbacks} on */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    this.#viewOn = { ...on, choose: (/** @type {Turn} */ turn) => this.#choose(turn) };
  }

  get #latest() {
    return this.#tree?.path.at(-1) ?? null;
  }

  /** @param {TurnTree} tree */
  show(tree) {
    this.#tree = tree;
    this.#views.clear();
    this.#stale.clear();
    this.#element.replaceChildren();
    this.#announced = null;
    this.layOut();
  }

  /** Turns that are still on the path keep their elements. */
  layOut() {
    const path = this.#tree?.path ?? [];
    const wanted = new Set(path);
    for (const [turn, view] of this.#views) {
      if (wanted.has(turn)) continue;
      view.element.remove();
      this.#views.delete(turn);
    }
    let here = this.#element.firstElementChild;
    for (const turn of path) {
      const { element, versions } = this.#viewOf(turn);
      if (here === element) here = here.nextElementSibling;
      else this.#element.insertBefore(element, here);
      if (versions !== this.#tree?.siblings(turn).length) this.touch(turn);
    }
    const latest = this.#latest;
    if (this.#announced?.[0] !== latest) {
      for (const turn of [this.#announced?.[0], latest]) if (turn) this.touch(turn); // the last one has its own buttons
      this.#announced = latest && [latest, announcement(latest)];
    }
    this.#schedule();
  }

  /** @param {Turn} turn */
  touch(turn) {
    if (!this.#views.has(turn)) return;
    this.#stale.add(turn);
    this.#schedule();
  }

  /** Scroll to a turn of the path, focus and mark it, as soon as all is painted. @param {Turn} turn */
  reveal(turn) {
    this.#revealed = turn;
    this.touch(turn);
  }

  #showRevealed() {
    const { element } = (this.#revealed && this.#views.get(this.#revealed)) ?? {};
    this.#revealed = null;
    if (!element) return;
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "start", behavior: "instant" });
    element.dataset.found = "true";
    setTimeout(() => delete element.dataset.found, FOUND_MS);
  }

  /** Begin to edit the last question. Returns whether that is possible. */
  editLast() {
    const view = this.#latest && this.#views.get(this.#latest);
    return view?.edit() ?? false;
  }

  /** The text of a running turn also depends on the clock and the connection. */
  touchRunning() {
    for (const turn of this.#views.keys()) if (turn.running) this.touch(turn);
  }

  /** @param {Turn} turn */
  #viewOf(turn) {
    const view = this.#views.get(turn) ?? new ResponseView(turn, this.#viewOn);
    this.#views.set(turn, view);
    return view;
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#paint(), HIDDEN_PAINT_MS);
    else requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#scheduled = false;
    if (!this.#tree) return;
    const busy = this.#on.readOnly || this.#tree.running !== null; // then no turn can be changed
    if (busy !== this.#busy) for (const turn of this.#views.keys()) this.#stale.add(turn); // their buttons change
    this.#busy = busy;
    this.#renderStale(this.#tree, { connection: this.#on.connection(), now: Date.now(), busy });
    this.#announce();
    if (this.#revealed && !this.#stale.size) this.#showRevealed();
    this.#on.painted(this.#views.size === 0);
  }

  /**
   * Newest first, the rest in later frames: a long conversation never freezes the page.
   * @param {TurnTree} tree
   * @param {FrameSituation} situation
   */
  #renderStale(tree, situation) {
    const until = performance.now() + FRAME_MS;
    for (const turn of [...this.#stale].reverse()) {
      const whole = this.#views.get(turn)?.render({
        ...situation,
        siblings: tree.siblings(turn),
        last: turn === this.#latest,
      });
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
    this.#on.announce(text ?? "");
  }

  /** The focus moves to the same button of the sibling. @param {Turn} turn */
  #choose(turn) {
    const name = document.activeElement?.className;
    this.#on.choose(turn);
    this.#paint();
    const view = this.#views.get(turn);
    if (!name || !view) return;
    for (const each of view.element.getElementsByClassName(name)) {
      if (each instanceof HTMLElement && !each.closest("[hidden]")) return each.focus();
    }
  }
}
