/** One row of the list. */

import { button, element, set } from "../dom/elements.js";
import { isOfInputMethod } from "../dom/keys.js";
import { actionsOf, RUNNING, sideOf, TITLE, UNREAD, UNTITLED, WAITING } from "../sentences/list.js";

const SVG = "http://www.w3.org/2000/svg";
const MAX_TITLE_CHARS = 80;

/** @param {() => void} pressed */
function menuButton(pressed) {
  const made = button("icon more", "", pressed);
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", "#icon-more");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  made.append(svg);
  made.tabIndex = -1; // the arrow keys lead to it
  made.ariaHasPopup = "menu";
  made.ariaExpanded = "false";
  return made;
}

/** The mark for a screen reader, after the title. @param {Marks} marks */
function markText({ waiting, running, unread }) {
  if (waiting) return WAITING;
  if (running) return RUNNING;
  return unread ? UNREAD : "";
}

export class ConversationRow {
  #title = element("span", "title");
  #mark = element("span", "mark");
  #markText = element("span", "visually-hidden");
  #excerpt = element("span", "excerpt");
  #link = element("a", "open");
  /** @type {Match | undefined} */ #match;
  #more = menuButton(() => this.#on.menu?.(this.#more));
  /** @type {HTMLInputElement | null} */ #input = null;
  #on;

  /** @param {RowCallbacks} on */
  constructor(on, { canChange = true } = {}) {
    this.#on = on;
    this.element = element("li", "entry");
    this.element.append(this.#link);
    this.#title.dir = this.#excerpt.dir = "auto";
    this.#link.append(this.#mark, this.#title, this.#markText, this.#excerpt);
    this.#link.addEventListener("click", (event) => this.#clicked(event));
    if (!canChange) return;
    this.element.append(this.#more);
    this.#link.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {RowContent} row */
  render({ title, href, current, match, ...marks }) {
    const name = title || UNTITLED;
    this.#link.href = href;
    this.#link.ariaCurrent = current ? "page" : null;
    this.#link.title = name;
    set(this.#title, "textContent", name);
    this.#markText.textContent = markText(marks);
    this.element.dataset.mark = marks.waiting ? "waiting" : marks.running ? "running" : marks.unread ? "unread" : "";
    set(this.#more, "ariaLabel", actionsOf(name));
    this.#renderExcerpt(match);
  }

  /** @param {Match | undefined} match */
  #renderExcerpt(match) {
    if (match === this.#match) return;
    this.#match = match;
    const parts = match?.parts.map((part, index) => (index % 2 ? element("mark", "", part) : part)) ?? [];
    const side = element("span", "side", match ? sideOf(match.side) : "");
    this.#excerpt.replaceChildren(...(match ? [side, " ", ...parts] : []));
  }

  focus() {
    this.#link.focus();
  }

  /** Enter and leaving the field save, Escape does not. */
  rename() {
    if (this.#input) return;
    const input = element("input", "title");
    Object.assign(input, { value: this.#title.textContent, maxLength: MAX_TITLE_CHARS, ariaLabel: TITLE });
    input.addEventListener("keydown", (event) => this.#typed(event));
    input.addEventListener("blur", () => this.#done(true));
    this.#input = input;
    this.#link.hidden = this.#more.hidden = true;
    this.element.prepend(input);
    input.select();
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    if (isOfInputMethod(event) || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#done(event.key === "Enter");
    this.focus();
  }

  /** @param {boolean} save */
  #done(save) {
    const input = this.#input;
    if (!input) return;
    this.#input = null; // first: removing a focused field fires `blur`
    this.#link.hidden = this.#more.hidden = false;
    input.remove();
    if (save) this.#on.rename?.(input.value.trim());
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    this.#on.open();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "F2") this.rename();
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.#more.click();
    else if (event.key === "Delete") this.#on.remove?.(true);
    else return;
    event.preventDefault();
  }
}
