/** A popover menu below a button: arrow keys, Home and End move, Escape and Tab close it. */

import { button, element } from "./elements.js";

/** @param {MenuEntry} entry */
function item({ label, href, act }) {
  const made = href
    ? Object.assign(element("a", "", label), { href, download: "" })
    : button("", label, ({ detail }) => act?.(detail === 0));
  made.role = "menuitem";
  made.tabIndex = -1;
  return made;
}

export class Menu {
  #menu;
  /** @type {HTMLElement | null} */ #anchor = null;
  /** @type {HTMLElement | null} */ #pressedOpen = null; // its button was pressed while the menu was open

  /** @param {HTMLElement} menu a popover */
  constructor(menu) {
    this.#menu = menu;
    menu.addEventListener("keydown", (event) => this.#pressed(event));
    menu.addEventListener("click", () => this.#close(), { capture: true }); // the focus returns before the action
    menu.addEventListener("toggle", () => this.#toggled());
    addEventListener("scroll", ({ target }) => this.#scrolled(target), { capture: true, passive: true });
    addEventListener("resize", () => this.#close());
    // the browser closes a popover before the click on its button arrives
    addEventListener("pointerdown", ({ target }) => this.#remember(target), { capture: true });
  }

  get #isOpen() {
    return this.#menu.matches(":popover-open");
  }

  /** Show these entries below a button, or close the menu if it was open there. @param {HTMLElement} anchor @param {MenuEntry[]} entries */
  toggle(anchor, entries) {
    const wasOpen = this.#pressedOpen === anchor;
    this.#pressedOpen = null;
    if (wasOpen) return this.#close();
    this.#anchor = anchor;
    this.#menu.replaceChildren(...entries.map(item));
    this.#menu.ariaLabel = anchor.ariaLabel;
    this.#menu.showPopover();
    anchor.ariaExpanded = "true";
    this.#place(anchor);
    this.#focus(0);
  }

  #close() {
    if (!this.#isOpen) return;
    this.#menu.hidePopover();
    this.#anchor?.focus({ preventScroll: true });
  }

  /** Its button has moved. @param {EventTarget | null} target */
  #scrolled(target) {
    if (target instanceof Element && target.contains(this.#anchor)) this.#close();
  }

  #toggled() {
    if (!this.#isOpen && this.#anchor) this.#anchor.ariaExpanded = "false";
  }

  /** @param {EventTarget | null} target */
  #remember(target) {
    const isAnchor = this.#isOpen && target instanceof Node && this.#anchor?.contains(target);
    this.#pressedOpen = isAnchor ? this.#anchor : null;
  }

  /** Below the button, or above it without room; always inside the window. @param {HTMLElement} anchor */
  #place(anchor) {
    const { top, bottom, left, right } = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height, style } = this.#menu;
    const y = bottom + height <= innerHeight ? bottom : top - height;
    const x = getComputedStyle(anchor).direction === "rtl" ? right - width : left;
    style.top = `${Math.max(0, y)}px`;
    style.left = `${Math.max(0, Math.min(x, innerWidth - width))}px`;
  }

  /** @param {number} index negative: from the end */
  #focus(index) {
    const there = this.#menu.children[(index + this.#menu.children.length) % this.#menu.children.length];
    if (there instanceof HTMLElement) there.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const here = document.activeElement;
    const index = here ? [...this.#menu.children].indexOf(here) : -1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.#focus(index + 1),
      ArrowUp: () => this.#focus(index - 1),
      Home: () => this.#focus(0),
      End: () => this.#focus(-1),
      Escape: () => this.#close(),
      Tab: () => this.#close(),
      " ": () => here instanceof HTMLElement && here.click(), // a link knows only Enter
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // Escape is not for the drawer
    act();
  }
}
