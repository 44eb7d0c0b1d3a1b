/** ‹ 2/3 ›: moves between the siblings of a turn. */

import { button, element, set } from "../dom/elements.js";
import { NEXT_VERSION, PREVIOUS_VERSION } from "../sentences/buttons.js";
import { shortVersionOf, versionOf } from "../sentences/turns.js";

export class BranchWalker {
  #turn;
  /** @type {Turn[]} */ #siblings = [];
  #place = element("span", "place");
  #previous;
  #next;

  /** @param {Turn} turn @param {(turn: Turn) => void} choose */
  constructor(turn, choose) {
    this.#turn = turn;
    /** @param {number} step */
    const walk = (step) => {
      const other = this.#siblings[this.#siblings.indexOf(turn) + step];
      if (other) choose(other);
    };
    this.#previous = button("walk previous quiet", "‹", () => walk(-1), PREVIOUS_VERSION);
    this.#next = button("walk next quiet", "›", () => walk(+1), NEXT_VERSION);
    this.#place.ariaHidden = "true"; // the group's name says it
    this.element = element("div", "branches");
    this.element.setAttribute("role", "group");
    this.element.hidden = true; // until siblings are known
    this.element.append(this.#previous, this.#place, this.#next);
  }

  /** @param {Turn[]} siblings oldest first */
  render(siblings) {
    this.#siblings = siblings;
    const at = siblings.indexOf(this.#turn) + 1;
    set(this.element, "hidden", siblings.length < 2);
    set(this.#place, "textContent", shortVersionOf(at, siblings.length));
    set(this.element, "ariaLabel", versionOf(at, siblings.length));
    // not `disabled`: the pressed button keeps the focus
    set(this.#previous, "ariaDisabled", String(at <= 1));
    set(this.#next, "ariaDisabled", String(at >= siblings.length));
  }
}
