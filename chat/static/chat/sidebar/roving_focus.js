/** One Tab stop for the whole list: arrow keys, Home and End move between its rows. */

export class RovingFocus {
  #list;
  /** @type {HTMLElement | null} */ #last = null; // the link that had the focus

  /** @param {HTMLElement} list whose rows are links with the class `open` */
  constructor(list) {
    this.#list = list;
    list.addEventListener("focusin", ({ target }) => this.#focused(target));
    list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @returns {HTMLElement[]} */
  get #links() {
    return [...this.#list.querySelectorAll("a.open")].filter((each) => each instanceof HTMLElement);
  }

  /** Call when rows or the shown conversation have changed. */
  render() {
    const links = this.#links;
    const known = this.#last && links.includes(this.#last) ? this.#last : null;
    const stop = known ?? links.find((each) => each.ariaCurrent) ?? links[0];
    for (const link of links) {
      const index = link === stop ? 0 : -1;
      if (link.tabIndex !== index) link.tabIndex = index;
    }
  }

  /** @param {EventTarget | null} target */
  #focused(target) {
    if (!(target instanceof HTMLElement) || !target.matches("a.open")) return;
    this.#last = target;
    this.render();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { target } = event;
    const entry = target instanceof HTMLElement && !target.matches("input") && target.closest(".entry");
    if (!entry) return;
    const there = this.#from(entry, event.key, target);
    if (!there) return;
    event.preventDefault();
    there.focus();
  }

  /**
   * The element to which a key leads; left and right lead from a link to its button and back.
   * @param {Element} entry
   * @param {string} key
   * @param {HTMLElement} target
   */
  #from(entry, key, target) {
    const links = this.#links;
    const here = links.findIndex((each) => entry.contains(each));
    if (key === "ArrowDown") return links[here + 1];
    if (key === "ArrowUp") return links[here - 1];
    if (key === "Home") return links[0];
    if (key === "End") return links.at(-1);
    if (key !== "ArrowLeft" && key !== "ArrowRight") return null;
    return target === links[here] ? entry.querySelector("button") : links[here];
  }
}
