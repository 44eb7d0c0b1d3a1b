/**
 * ‹ 2/3 ›: walks through the siblings of a turn.
 *
 * in:  the siblings, oldest first, and the one that is shown
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
    this.element.hidden = true; // until it is known whether there are any
    this.element.append(previous, this.#place, next);
  }

  render(siblings) {
    this.#siblings = siblings;
    const at = siblings.indexOf(this.#turn) + 1;
    set(this.element, "hidden", siblings.length < 2);
    set(this.#place, "textContent", `${at}/${siblings.length}`);
    // not `disabled`: the button that was pressed keeps the focus when it has come to the end
    set(this.#buttons[0], "ariaDisabled", String(at <= 1));
    set(this.#buttons[1], "ariaDisabled", String(at >= siblings.length));
  }
}
