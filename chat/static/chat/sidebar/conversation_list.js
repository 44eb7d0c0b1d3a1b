/**
 * The known part of the list of conversations: newest activity first, in pages, or the results of a search. Pure.
 *
 * in:  pages of the list and summaries {id, title, updated_at, running, unread} (list_pages.js, list_controller.js)
 * out: `rows` for conversation_list_view.js; the neighbours of a row for the keyboard
 *
 * A fetched page may be older than a change that arrived during the fetch: of the two, the later one stays. A change
 * from before the fetch yields to the page: notifications may be lost, and the clocks of web and worker differ.
 */

/** Newest activity first; ids decide between equal times. */
const newestFirst = (one, other) => other.updated_at - one.updated_at || (other.id < one.id ? -1 : 1);

/** The later of two summaries of one conversation; the first one at equal times. */
const later = (one, other) => (other.updated_at > one.updated_at ? other : one);

export class ConversationList {
  search = "";
  version = 0; // changes so far; a fetch hands in the version at which it began
  more = null; // the cursor of the next page, null = there is none
  #summaries = new Map();
  #changes = new Map(); // id → { version, summary }: its latest change; summary null = deleted

  constructor(page) {
    this.fill(page);
  }

  get rows() {
    return [...this.#summaries.values()].sort(newestFirst);
  }

  get(id) {
    return this.#summaries.get(id) ?? null;
  }

  /** Replace everything by the first page, fetched at version `since`. */
  fill(page, since = this.version) {
    this.#summaries.clear();
    this.extend(page, since);
    for (const [id, { version, summary }] of this.#changes) {
      if (version > since && summary && !this.#summaries.has(id)) this.#set(summary);
    }
  }

  /** Add the next page, fetched at version `since`. */
  extend({ conversations, more }, since = this.version) {
    for (const summary of conversations) {
      const change = this.#changes.get(summary.id);
      if (!change || change.version <= since) this.#summaries.set(summary.id, summary);
      else if (change.summary) this.#summaries.set(summary.id, later(change.summary, summary));
    }
    this.more = more;
  }

  /** A conversation has changed. A search keeps out what it did not find. */
  put({ id, title, updated_at, running, unread }) {
    const summary = { id, title, updated_at, running, unread };
    this.#record(id, summary);
    this.#set(summary);
  }

  /** Take a summary from the reply to a request: a change may have arrived since. */
  merge(summary) {
    if (this.#changes.get(summary.id)?.summary === null) return; // deleted meanwhile
    this.put(later(summary, this.get(summary.id) ?? summary));
  }

  /** A conversation is deleted. */
  remove(id) {
    this.#record(id, null);
    this.#summaries.delete(id);
  }

  #record(id, summary) {
    this.version += 1;
    this.#changes.set(id, { version: this.version, summary });
  }

  #set(summary) {
    if (!this.search || this.#summaries.has(summary.id)) this.#summaries.set(summary.id, summary);
  }

  /** The id `step` rows below this one (negative: above), or null. From outside the list: its first or last row. */
  neighbour(id, step) {
    const { rows } = this;
    const here = rows.findIndex((summary) => summary.id === id);
    const there = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    return rows[there]?.id ?? null;
  }
}
