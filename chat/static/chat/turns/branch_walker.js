/**
 * ‹ 2/3 ›: moves between the siblings of a turn.
 *
 * in:  the siblings, oldest first, and the visible one
 * out: `choose(turn)`
 */

import { button, element, set } from "../dom/elements.js";

export class BranchWalker {
  #turn;
  #siblings = [];
  #place = element("span", "place");
  #buttons;

  constructor(turn, choose) {
    this.#turn = turn;
    const walk = (step) => {
      const other = this.#siblings[this.#siblings.indexOf(turn) + step];
      if (other) choose(other);
    };
    this.#buttons = [
      button("walk previous quiet", "‹", () => walk(-1), "Previous version"),
      button("walk next quiet", "›", () => walk(+1), "Next version"),
    ];
    const [previous, next] = this.#buttons;
    this.element = element("div", "branches");
    this.element.setAttribute("role", "group");
    this.element.ariaLabel = "Versions";
    this.element.hidden = true; // until siblings are known
    this.element.append(previous, this.#place, next);
  }

  render(siblings) {
    this.#siblings = siblings;
    const at = siblings.indexOf(this.#turn) + 1;
    set(this.element, "hidden", siblings.length < 2);
    set(this.#place, "textContent", `${at}/${siblings.length}`);
    // not `disabled`: the pressed button keeps the focus at either end
    set(this.#buttons[0], "ariaDisabled", String(at <= 1));
    set(this.#buttons[1], "ariaDisabled", String(at >= siblings.length));
  }
}
