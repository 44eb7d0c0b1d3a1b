/** A button that copies a text and shows whether that worked. */

import { COPIED, COPY, NOT_COPIED } from "../sentences/buttons.js";
import { button, element, set } from "./elements.js";

const FEEDBACK_MS = 2_000;

/** @param {{ label: string, text: () => string }} options */
export function copyButton({ label, text }) {
  /** @type {Timer} */ let timer;
  const made = button("copy quiet", COPY, async () => {
    made.textContent = (await copied(text())) ? COPIED : NOT_COPIED;
    clearTimeout(timer);
    timer = setTimeout(() => set(made, "textContent", COPY), FEEDBACK_MS);
  });
  made.title = label;
  made.ariaLive = "polite";
  return made;
}

/** Whether the text was copied. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByCommand(text); // on plain http there is no clipboard
  }
}

/**
 * The command copies a selection, and its event takes the text as it is: a text field would change line ends. Focus and
 * selection are restored.
 * @param {string} text
 */
function copiedByCommand(text) {
  const focused = document.activeElement;
  const selection = getSelection();
  const ranges = Array.from({ length: selection?.rangeCount ?? 0 }, (_, index) => selection?.getRangeAt(index));
  const field = element("textarea", "visually-hidden");
  field.value = "text";
  field.readOnly = true; // no on-screen keyboard
  /** @param {ClipboardEvent} event */
  const give = (event) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };
  document.body.append(field);
  document.addEventListener("copy", give);
  field.select();
  try {
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", give);
    field.remove();
    selection?.removeAllRanges();
    for (const range of ranges) if (range) selection?.addRange(range);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
