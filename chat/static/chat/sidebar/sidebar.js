/** The list beside the conversation in a wide window, else a drawer over it. */

import { find } from "../dom/elements.js";
import { prefer, preference } from "../storage/preferences.js";

const WIDE = "(min-width: 56rem)"; // as in sidebar.css

export class Sidebar {
  #sidebar;
  #toggle;
  #main;
  #wide = matchMedia(WIDE);
  #drawer = false;

  /** @param {HTMLElement} sidebar @param {SidebarParts} parts */
  constructor(sidebar, { toggle, close, main }) {
    this.#sidebar = sidebar;
    this.#toggle = toggle;
    this.#main = main;
    toggle.addEventListener("click", () => this.toggle());
    close.addEventListener("click", () => this.closeDrawer());
    main.addEventListener("click", (event) => this.#clickedMain(event), { capture: true });
    addEventListener("keydown", (event) => event.key === "Escape" && this.closeDrawer());
    this.#wide.addEventListener("change", () => this.closeDrawer({ focus: false }));
    this.#render();
  }

  get #shown() {
    return this.#wide.matches ? preference("sidebar") !== "closed" : this.#drawer;
  }

  toggle() {
    if (this.#wide.matches) prefer("sidebar", this.#shown ? "closed" : "open");
    else this.#drawer = !this.#drawer;
    this.#render();
    if (this.#drawer) find("a, button, input", HTMLElement, this.#sidebar).focus();
  }

  open() {
    if (!this.#shown) this.toggle();
  }

  closeDrawer({ focus = true } = {}) {
    const wasOpen = this.#drawer;
    this.#drawer = false;
    this.#render();
    if (wasOpen && focus) this.#toggle.focus();
  }

  /** @param {Event} event */
  #clickedMain(event) {
    if (!this.#drawer) return;
    event.preventDefault();
    event.stopPropagation();
    this.closeDrawer();
  }

  #render() {
    document.documentElement.dataset.drawer = this.#drawer ? "open" : "closed";
    this.#sidebar.inert = !this.#shown; // the Tab key must skip it
    for (const each of this.#main.children) if (each instanceof HTMLElement) each.inert = this.#drawer;
    this.#toggle.ariaExpanded = String(this.#shown);
  }
}
