/**
 * Makes elements from names and text, never from HTML, and touches the page only where something changes.
 *
 * in:  names, classes, text
 * out: elements for the views
 */

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** A button of the page; `label` is its name where the words on it are not enough. */
export function button(className, words, pressed, label = null) {
  const made = element("button", className, words);
  made.type = "button";
  if (label) made.ariaLabel = label;
  made.addEventListener("click", pressed);
  return made;
}

/** Writing the same again costs a layout, or makes a screen reader speak. */
export function set(target, name, value) {
  if (target[name] !== value) target[name] = value;
}
