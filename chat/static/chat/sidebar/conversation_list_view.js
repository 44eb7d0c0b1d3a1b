/**
 * The DOM of the list: its rows in order, the search field, and more rows when its end comes into view.
 *
 * in:  the rows of conversation_list.js, unsent new conversations, the visible conversation
 * out: `on`: open(id), show(conversation), rename(id, title), remove(id, byKeyboard), search(text), more()
 */

import { element } from "../dom/elements.js";
import { ConversationRow } from "./conversation_row.js";
import { byDay } from "./days.js";

const AHEAD = "200px"; // the next page is fetched before the end is in view

export class ConversationListView {
  #rows = new Map(); // the id, or the conversation without one → ConversationRow
  #headings = new Map(); // the name of a day → its element
  #list;
  #search;
  #empty;
  #address;
  #on;

  constructor(sidebar, { address, on }) {
    this.#list = sidebar.querySelector("#conversations");
    this.#search = sidebar.querySelector("#search");
    this.#empty = sidebar.querySelector("#none");
    this.#on = on;
    this.#address = address;
    this.#search.addEventListener("input", () => on.search(this.#search.value));
    this.#search.addEventListener("keydown", (event) => this.#pressed(event));
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && on.more(), { rootMargin: AHEAD });
    observer.observe(sidebar.querySelector("#more"));
  }

  /** `waiting` are conversations without an id; `shown` is the visible one. */
  render({ rows, waiting, shown, search }) {
    const unnamed = waiting.map((each) => this.#waitingRow(each, shown));
    const days = byDay(rows, Date.now()).flatMap(({ name, rows: its }) => [
      this.#heading(name),
      ...its.map((each) => this.#row(each, shown)),
    ]);
    const wanted = new Set([...unnamed, ...days].map((each) => each.element));
    this.#dropOthers(wanted);
    for (const [index, each] of [...wanted].entries()) this.#place(each, this.#list.children[index]);
    this.#empty.hidden = wanted.size > 0;
    this.#empty.textContent = search ? "Nothing found." : "No conversations yet.";
  }

  focus(id) {
    (this.#rows.get(id) ?? { focus: () => this.#search.focus() }).focus();
  }

  focusSearch() {
    this.#search.select();
    this.#search.focus();
  }

  #row(summary, shown) {
    const { id } = summary;
    const row = this.#known(id, {
      open: () => this.#on.open(id),
      rename: (title) => this.#on.rename(id, title),
      remove: (byKeyboard) => this.#on.remove(id, byKeyboard),
    });
    row.render({ ...summary, href: this.#address.of(id), current: shown.id === id });
    return row;
  }

  #waitingRow(conversation, shown) {
    const row = this.#known(conversation, { open: () => this.#on.show(conversation) }, { canChange: false });
    const title = conversation.tree.turns[0].input.trim();
    row.render({ title, waiting: true, href: this.#address.of(null), current: conversation === shown });
    return row;
  }

  #known(key, on, how) {
    if (!this.#rows.has(key)) this.#rows.set(key, new ConversationRow(on, how));
    return this.#rows.get(key);
  }

  #heading(name) {
    if (!this.#headings.has(name)) {
      const line = element("li", "day");
      line.append(element("h2", "", name));
      this.#headings.set(name, { element: line });
    }
    return this.#headings.get(name);
  }

  #place(line, before) {
    if (line === before) return;
    // `moveBefore`, where the browser has it, keeps the focus and a title that is being typed
    if (line.isConnected && this.#list.moveBefore) this.#list.moveBefore(line, before ?? null);
    else this.#list.insertBefore(line, before ?? null);
  }

  #dropOthers(wanted) {
    for (const [key, row] of this.#rows) if (!wanted.has(row.element)) this.#rows.delete(key);
    for (const line of [...this.#list.children]) if (!wanted.has(line)) line.remove();
  }

  #pressed(event) {
    if (event.key === "Escape" && this.#search.value) {
      event.stopPropagation(); // the first Escape empties the field, the next one closes the drawer
      this.#search.value = "";
      this.#on.search("");
    }
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      this.#list.querySelector("a")?.focus();
    }
  }
}
