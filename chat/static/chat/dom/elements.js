/**
 * Makes elements from names and text, never from HTML, and writes to the page only where something changes.
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

/** `label` is the accessible name where the text is not enough. */
export function button(className, text, pressed, label = null) {
  const made = element("button", className, text);
  made.type = "button";
  if (label) made.ariaLabel = label;
  made.addEventListener("click", pressed);
  return made;
}

/** Set a property unless it is the same: writing it again costs a layout, or makes a screen reader speak. */
export function set(target, name, value) {
  if (target[name] !== value) target[name] = value;
}

/** Make a text area as high as its text. */
export function fitHeight(box) {
  box.style.height = "auto"; // so that it also shrinks
  box.style.height = `${box.scrollHeight}px`;
}
