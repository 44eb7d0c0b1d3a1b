/** Finds, creates and changes elements, never from HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** The first match. Throws if it is missing or of another kind. @type {FindElement} */
export function find(selector, kind, root = document) {
  const found = root.querySelector(selector);
  if (found instanceof kind) return found;
  throw new TypeError(`no ${kind.name} at ${selector}`);
}

/** `label`: the accessible name if the text is not enough. @type {MakeButton} */
export function button(className, text, pressed, label = null) {
  const made = element("button", className, text);
  made.type = "button";
  if (label) made.ariaLabel = label;
  made.addEventListener("click", pressed);
  return made;
}

/** Set a property if it differs: a needless write costs a layout or makes a screen reader speak. @type {SetProperty} */
export function set(target, name, value) {
  if (target[name] !== value) target[name] = value;
}

const FITS_ITSELF = globalThis.CSS?.supports("field-sizing", "content") ?? false;
const MEASURED_CHARS = 2_000; // a longer text is higher than any box, and each measurement lays out all of it twice

/** For browsers without `field-sizing`. @param {HTMLTextAreaElement} box */
export function fitHeight(box) {
  if (FITS_ITSELF) return;
  box.style.height = "auto"; // lets it shrink
  box.style.height = box.value.length > MEASURED_CHARS ? "100vh" : `${box.scrollHeight}px`;
}
