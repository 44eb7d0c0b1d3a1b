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

/**
 * The first element that matches. Throws if it is missing or of another kind.
 * @template {Element} Kind
 * @param {string} selector
 * @param {new () => Kind} kind
 * @param {ParentNode} root
 */
export function find(selector, kind, root = document) {
  const found = root.querySelector(selector);
  if (found instanceof kind) return found;
  throw new TypeError(`no ${kind.name} at ${selector}`);
}

/**
 * `label` is the accessible name where the text is not enough.
 * @param {string} className
 * @param {string} text
 * @param {(event: MouseEvent) => void} pressed
 * @param {string | null} label
 */
export function button(className, text, pressed, label = null) {
  const made = element("button", className, text);
  made.type = "button";
  if (label) made.ariaLabel = label;
  made.addEventListener("click", pressed);
  return made;
}

/**
 * Set a property if its value differs: a needless write costs a layout or makes a screen reader speak.
 * @template {object} Target
 * @template {keyof Target} Name
 * @param {Target} target
 * @param {Name} name
 * @param {Target[Name]} value
 */
export function set(target, name, value) {
  if (target[name] !== value) target[name] = value;
}

/** Make a text area as high as its text. @param {HTMLTextAreaElement} box */
export function fitHeight(box) {
  box.style.height = "auto"; // lets it shrink
  box.style.height = `${box.scrollHeight}px`;
}
