/** Colours finished code in place, unless it is selected: colouring replaces its nodes. */

import { element } from "../dom/elements.js";
import { highlight } from "./highlight.js";

/** @param {HTMLElement} code @param {string} language */
export async function colour(code, language) {
  await unselected(code);
  const pieces = highlight(code.textContent, language);
  if (pieces.length < 2) return;
  code.replaceChildren(...pieces.map(({ kind, text }) => (kind ? element("span", kind, text) : text)));
}

/** Wait until no part of the element is selected. @param {HTMLElement} code @returns {Promise<void>} */
function unselected(code) {
  if (!isSelected(code)) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = new AbortController();
    const later = () => {
      if (isSelected(code)) return;
      stop.abort();
      resolve();
    };
    document.addEventListener("selectionchange", later, { signal: stop.signal });
  });
}

/** @param {HTMLElement} code */
function isSelected(code) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(code, true);
}
