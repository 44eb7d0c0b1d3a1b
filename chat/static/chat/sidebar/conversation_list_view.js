/** The list: its rows and search field. Requests more rows near its end. */

import { element, find } from "../dom/elements.js";
import { Menu } from "../dom/menu.js";
import { NONE_FOUND, NONE_YET } from "../sentences/list.js";
import { ConversationRow } from "./conversation_row.js";
import { byDay } from "./days.js";
import { RovingFocus } from "./roving_focus.js";
import { entriesOf } from "./row_entries.js";

const AHEAD = "200px"; // before the end is in view

export class ConversationListView {
  /** @type {Map<string | Conversation, ConversationRow>} */ #rows = new Map(); // by id, or by the conversation without one
  /** @type {Summary[]} */ #listed = [];
  /** @type {Map<string, { element: HTMLElement }>} */ #headings = new Map(); // by day
  #list;
  #menu;
  #focus;
  #search;
  #empty;
  #address;
  #on;

  /** @param {HTMLElement} sidebar @param {ListViewOptions} options */
  constructor(sidebar, { address, on }) {
    this.#list = find("#conversations", HTMLElement, sidebar);
    this.#menu = new Menu(find("#row-menu", HTMLElement, sidebar));
    this.#focus = new RovingFocus(this.#list);
    this.#search = find("#search", HTMLInputElement, sidebar);
    this.#empty = find("#none", HTMLElement, sidebar);
    this.#on = on;
    this.#address = address;
    this.#search.addEventListener("input", () => on.search(this.#search.value));
    this.#search.addEventListener("keydown", (event) => this.#pressed(event));
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && on.more(), { rootMargin: AHEAD });
    observer.observe(find("#more", HTMLElement, sidebar));
  }

  /** @param {ListContent} list */
  render({ rows, waiting, shown, search }) {
    this.#listed = rows;
    const unnamed = waiting.map((each) => this.#waitingRow(each, shown));
    const days = byDay(rows, Date.now()).flatMap(({ name, rows: its }) => [
      this.#heading(name),
      ...its.map((each) => this.#row(each, shown)),
    ]);
    const wanted = new Set([...unnamed, ...days].map((each) => each.element));
    this.#dropOthers(wanted);
    for (const [index, each] of [...wanted].entries()) this.#place(each, this.#list.children[index]);
    this.#focus.render();
    this.#empty.hidden = wanted.size > 0;
    this.#empty.textContent = search ? NONE_FOUND : NONE_YET;
  }

  /** @param {string | null} id */
  focus(id) {
    (this.#rows.get(id ?? "") ?? this.#search).focus();
  }

  focusSearch() {
    this.#search.select();
    this.#search.focus();
  }

  /** @param {Summary} summary @param {Conversation} shown */
  #row(summary, shown) {
    const { id } = summary;
    const row = this.#known(id, {
      open: () => this.#on.open(id, this.#find(id)?.match?.response),
      rename: (title) => this.#on.rename(id, title),
      remove: (byKeyboard) => this.#on.remove(id, byKeyboard),
      menu: (anchor) =>
        this.#menu.toggle(
          anchor,
          this.#entriesOf(id, () => row.rename()),
        ),
    });
    row.render({ ...summary, href: this.#address.of(id), current: shown.id === id });
    return row;
  }

  /** @param {string} id */
  #find(id) {
    return this.#listed.find((each) => each.id === id);
  }

  /** @param {string} id @param {() => void} rename */
  #entriesOf(id, rename) {
    const summary = this.#find(id);
    return summary ? entriesOf({ summary, href: this.#address.of(id), on: this.#on, rename }) : [];
  }

  /** @param {Conversation} conversation @param {Conversation} shown */
  #waitingRow(conversation, shown) {
    const row = this.#known(conversation, { open: () => this.#on.show(conversation) }, { canChange: false });
    const title = conversation.tree.turns[0].title;
    row.render({ title, waiting: true, href: this.#address.of(null), current: conversation === shown });
    return row;
  }

  /** @param {string | Conversation} key @param {RowCallbacks} on @param {{ canChange?: boolean }} [how] */
  #known(key, on, how) {
    const row = this.#rows.get(key) ?? new ConversationRow(on, how);
    this.#rows.set(key, row);
    return row;
  }

  /** @param {string} name */
  #heading(name) {
    const known = this.#headings.get(name);
    if (known) return known;
    const heading = { element: element("li", "day") };
    heading.element.append(element("h2", "", name));
    this.#headings.set(name, heading);
    return heading;
  }

  /** @param {HTMLElement} line @param {Element | undefined} before */
  #place(line, before) {
    if (line === before) return;
    // `moveBefore` keeps the focus and a title in edit; not every browser has it
    if (line.isConnected && "moveBefore" in this.#list) this.#list.moveBefore(line, before ?? null);
    else this.#list.insertBefore(line, before ?? null);
  }

  /** @param {Set<Element>} wanted */
  #dropOthers(wanted) {
    for (const [key, row] of this.#rows) if (!wanted.has(row.element)) this.#rows.delete(key);
    for (const line of [...this.#list.children]) if (!wanted.has(line)) line.remove();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "Escape" && this.#search.value) {
      event.stopPropagation(); // the next Escape closes the drawer
      this.#search.value = "";
      this.#on.search("");
    }
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      this.#list.querySelector("a")?.focus();
    }
  }
}
