/**
 * A button that copies a text and says whether it worked.
 *
 * in:  a function that gives the text when the button is pressed
 * out: the clipboard
 */

import { button } from "./elements.js";

const SAID_MS = 2_000; // long enough to be read, short enough to be pressed again

export function copyButton({ label, text }) {
  let timer = null;
  const made = button("copy quiet", "Copy", async () => {
    made.textContent = (await copied(text())) ? "Copied" : "Not copied";
    clearTimeout(timer);
    timer = setTimeout(() => (made.textContent = "Copy"), SAID_MS);
  });
  made.title = label;
  made.ariaLive = "polite";
  return made;
}

/** Whether the text is on the clipboard. A page over plain http has none to write to. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
