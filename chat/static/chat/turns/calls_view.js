/** The items of an answer that are not text: calls of functions, and kinds that this page does not know. */

import { element, set } from "../dom/elements.js";
import { callText, unknownItemText } from "../sentences/turns.js";

/** @typedef {{ element: HTMLDetailsElement, name: HTMLElement, given: HTMLElement }} Shown */

export class CallsView {
  element = element("div", "calls");
  /** @type {Map<string, Shown>} */ #shown = new Map();

  /** @param {OutputItem[]} items */
  render(items) {
    set(this.element, "hidden", items.length === 0);
    const ids = new Set(items.map(({ id }) => id ?? ""));
    for (const [id, { element: gone }] of this.#shown) {
      if (ids.has(id)) continue;
      gone.remove();
      this.#shown.delete(id);
    }
    for (const item of items) this.#show(item);
  }

  /** @param {OutputItem} item */
  #show({ id = "", type, name, arguments: given = "" }) {
    const shown = this.#shown.get(id) ?? this.#add(id);
    const isCall = type === "function_call";
    set(shown.name, "textContent", isCall ? callText(name) : unknownItemText(type));
    set(shown.given, "textContent", given);
    set(shown.given, "hidden", !given);
  }

  /** @param {string} id @returns {Shown} */
  #add(id) {
    const folded = element("details", "call");
    const shown = { element: folded, name: element("summary"), given: element("pre") };
    folded.append(shown.name, shown.given);
    this.element.append(folded);
    this.#shown.set(id, shown);
    return shown;
  }
}
