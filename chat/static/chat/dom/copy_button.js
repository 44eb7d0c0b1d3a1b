/**
 * A button that copies a text and shows whether that worked.
 *
 * in:  a function that returns the text when the button is pressed
 * out: the clipboard
 */

import { button } from "./elements.js";

const FEEDBACK_MS = 2_000; // long enough to read, short enough to press again

export function copyButton({ label, text }) {
  let timer = null;
  const made = button("copy quiet", "Copy", async () => {
    made.textContent = (await copied(text())) ? "Copied" : "Not copied";
    clearTimeout(timer);
    timer = setTimeout(() => (made.textContent = "Copy"), FEEDBACK_MS);
  });
  made.title = label;
  made.ariaLive = "polite";
  return made;
}

/** Resolves to whether the text was copied. A page over plain http has no clipboard. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
