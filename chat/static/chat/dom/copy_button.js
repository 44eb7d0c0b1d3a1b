/** A button that copies a text and shows whether that worked. */

import { button, set } from "./elements.js";

const FEEDBACK_MS = 2_000;

/** @param {{ label: string, text: () => string }} options */
export function copyButton({ label, text }) {
  /** @type {Timer} */ let timer;
  const made = button("copy quiet", "Copy", async () => {
    made.textContent = (await copied(text())) ? "Copied" : "Not copied";
    clearTimeout(timer);
    timer = setTimeout(() => set(made, "textContent", "Copy"), FEEDBACK_MS);
  });
  made.title = label;
  made.ariaLive = "polite";
  return made;
}

/** Whether the text was copied. On plain http there is no clipboard. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
