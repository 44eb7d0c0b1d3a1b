/** Keys of input methods, and the key that sends. Pure. */

const IN_COMPOSITION = 229; // `keyCode` of each key of an input method
const KEYBOARD_SHARE = 0.2; // of the page; the bar above an iPad's hardware keyboard covers less

/** Safari ends the composition before the Enter that confirms its word. @param {ComposingKey} event */
export const isOfInputMethod = ({ isComposing, keyCode }) => Boolean(isComposing) || keyCode === IN_COMPOSITION;

/** @param {number} coveredPx @param {number} pageHeight */
export const isKeyboardShown = (coveredPx, pageHeight) => coveredPx > pageHeight * KEYBOARD_SHARE;

/**
 * Whether this key sends. The Enter of an on-screen keyboard begins a line, as there is no Shift Enter: it has no `code`
 * (Android), or its keyboard covers the page (iOS). That of a hardware keyboard sends, also on a touch screen.
 * @param {ComposingKey & Pick<KeyboardEvent, "key" | "code" | "shiftKey">} event
 * @param {{ touch: boolean, keyboardShown: boolean }} situation
 */
export function sends(event, { touch, keyboardShown }) {
  if (event.key !== "Enter" || event.shiftKey || isOfInputMethod(event)) return false;
  return !touch || (Boolean(event.code) && !keyboardShown);
}
