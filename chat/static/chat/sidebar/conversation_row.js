/**
 * The DOM of one row of the list: a link, its marks, and what can be done with it.
 *
 * in:  a summary {title, running, unread} and the address; whether it is the one that is shown
 * out: `on`: open(), rename(title), remove(byKeyboard)
 */

const SVG = "http://www.w3.org/2000/svg";
const UNTITLED = "Untitled";
const MAX_TITLE_CHARS = 80;

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** What a mark says to a screen reader. */
export function markWords({ waiting, running, unread }) {
  if (waiting) return "waiting to be sent";
  if (running) return "is being answered";
  return unread ? "has a new answer" : "";
}

export class ConversationRow {
  #title = element("span", "title");
  #mark = element("span", "mark");
  #words = element("span", "unseen");
  #link = element("a", "open");
  #actions = element("span", "actions");
  #input = null; // while it is renamed
  #on;

  constructor(on, { canChange = true } = {}) {
    this.#on = on;
    this.element = element("li", "entry", this.#link, this.#actions);
    this.#title.dir = "auto";
    this.#link.append(this.#mark, this.#title, this.#words);
    this.#link.addEventListener("click", (event) => this.#clicked(event));
    if (!canChange) return;
    this.#actions.append(
      this.#button("rename", "pencil", () => this.rename()),
      this.#button("remove", "bin", (event) => on.remove(event.detail === 0)),
    );
    this.#link.addEventListener("keydown", (event) => this.#pressed(event));
  }

  render({ title, href, current, ...marks }) {
    const words = markWords(marks);
    const name = title || UNTITLED;
    this.#link.href = href;
    this.#link.ariaCurrent = current ? "page" : null;
    if (this.#title.textContent !== name) this.#title.textContent = name;
    this.#link.title = name;
    this.#words.textContent = words && `, ${words}`;
    this.element.dataset.mark = marks.waiting ? "waiting" : marks.running ? "running" : marks.unread ? "unread" : "";
    const [rename, remove] = this.#actions.children;
    if (rename) rename.ariaLabel = `Rename “${name}”`;
    if (remove) remove.ariaLabel = `Delete “${name}”`;
  }

  focus() {
    this.#link.focus();
  }

  /** A field in the place of the title: Enter and leaving it save, Escape does not. */
  rename() {
    if (this.#input) return;
    const input = element("input", "title");
    Object.assign(input, { value: this.#title.textContent, maxLength: MAX_TITLE_CHARS, ariaLabel: "Title" });
    input.addEventListener("keydown", (event) => this.#typed(event));
    input.addEventListener("blur", () => this.#done(true));
    this.#input = input;
    this.#link.hidden = this.#actions.hidden = true;
    this.element.prepend(input);
    input.select();
  }

  #typed(event) {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#done(event.key === "Enter");
    this.focus();
  }

  #done(save) {
    const input = this.#input;
    if (!input) return;
    this.#input = null; // first: taking a focused field away is a blur
    this.#link.hidden = this.#actions.hidden = false;
    input.remove();
    if (save) this.#on.rename(input.value.trim());
  }

  #clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    this.#on.open();
  }

  #pressed(event) {
    if (event.key === "F2") this.rename();
    else if (event.key === "Delete") this.#on.remove(true);
    else return;
    event.preventDefault();
  }

  #button(name, iconName, act) {
    const button = element("button", `icon ${name}`, icon(iconName));
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }
}
