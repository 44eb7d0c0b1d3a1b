/**
 * The list of conversations as it is known: newest activity first, in pages, or what a search found. Pure.
 *
 * in:  pages of the list and summaries {id, title, updated_at, running, unread} (library.js)
 * out: `rows` for conversation_list_view.js; who is next to whom for the keyboard
 */

/** Newest activity first; the ids settle what happened in the same moment. */
const newestFirst = (one, other) => other.updated_at - one.updated_at || (other.id < one.id ? -1 : 1);

export class ConversationList {
  search = "";
  more = null; // the cursor of the next page, null = this is all
  #summaries = new Map();

  constructor({ conversations, more }) {
    this.fill({ conversations, more });
  }

  get rows() {
    return [...this.#summaries.values()].sort(newestFirst);
  }

  get(id) {
    return this.#summaries.get(id) ?? null;
  }

  /** The first page, in place of everything. */
  fill({ conversations, more }) {
    this.#summaries.clear();
    this.extend({ conversations, more });
  }

  /** The next page. */
  extend({ conversations, more }) {
    for (const summary of conversations) this.#summaries.set(summary.id, summary);
    this.more = more;
  }

  /** A conversation has changed. What a search did not find stays out of what it found. */
  put(summary) {
    if (this.search && !this.#summaries.has(summary.id)) return;
    const { id, title, updated_at, running, unread } = summary;
    this.#summaries.set(id, { id, title, updated_at, running, unread });
  }

  remove(id) {
    this.#summaries.delete(id);
  }

  /** The id `step` rows below this one (negative: above), or null. From outside the list one enters at its ends. */
  neighbour(id, step) {
    const { rows } = this;
    const here = rows.findIndex((summary) => summary.id === id);
    const there = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    return rows[there]?.id ?? null;
  }
}
