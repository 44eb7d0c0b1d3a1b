/**
 * The place of the list: beside the conversation where there is room, else a drawer over it.
 *
 * in:  the toggle, Escape, a click beside the drawer, the width of the window
 * out: `data-sidebar` of <html> (open, closed; remembered), the drawer, and where the focus is
 */

import { prefer, preference } from "../storage/preferences.js";

const WIDE = "(min-width: 56rem)"; // as in sidebar.css

export class Sidebar {
  #sidebar;
  #toggle;
  #behind;
  #wide = matchMedia(WIDE);
  #drawer = false;

  /** `behind` is all that an open drawer covers. */
  constructor(sidebar, { toggle, close, behind }) {
    this.#sidebar = sidebar;
    this.#toggle = toggle;
    this.#behind = behind;
    toggle.addEventListener("click", () => this.toggle());
    close.addEventListener("click", () => this.closeDrawer());
    behind.addEventListener("click", (event) => this.#clickedBehind(event), { capture: true });
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
    if (this.#drawer) this.#sidebar.querySelector("a, button, input").focus();
  }

  /** For a shortcut into the list. */
  open() {
    if (!this.#shown) this.toggle();
  }

  closeDrawer({ focus = true } = {}) {
    const wasOpen = this.#drawer;
    this.#drawer = false;
    this.#render();
    if (wasOpen && focus) this.#toggle.focus();
  }

  #clickedBehind(event) {
    if (!this.#drawer) return;
    event.preventDefault();
    event.stopPropagation();
    this.closeDrawer();
  }

  #render() {
    document.documentElement.dataset.drawer = this.#drawer ? "open" : "closed";
    this.#sidebar.inert = !this.#shown; // what is out of sight is out of the way of the Tab key too
    for (const each of this.#behind.children) each.inert = this.#drawer;
    this.#toggle.ariaExpanded = String(this.#shown);
  }
}
