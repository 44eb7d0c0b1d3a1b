/**
 * The fetched pages of conversations, pinned ones before newest activity, or of search results. Pure. A fetched page may be older than a
 * change that arrived during the fetch: the later one stays. A change from before the fetch yields to the page:
 * notifications may be lost, and the clocks of web and worker differ.
 */

/** At equal times by id. @param {Summary} one @param {Summary} other */
const newestFirst = (one, other) => other.updated_at - one.updated_at || (other.id < one.id ? -1 : 1);

/** The latest pin first, then what is not pinned. @param {Summary} one @param {Summary} other */
const inOrder = (one, other) => (other.pinned_at ?? 0) - (one.pinned_at ?? 0) || newestFirst(one, other);

/** The later summary; at equal times the first. @param {Summary} one @param {Summary} other */
const later = (one, other) => (other.updated_at > one.updated_at ? other : one);

export class ConversationList {
  search = "";
  version = 0; // changes so far; a fetch passes the version at its start
  /** @type {string | null} */ more = null; // the cursor of the next page
  /** @type {Map<string, Summary>} */ #summaries = new Map(); // the rows
  /** @type {Map<string, Summary>} */ #known = new Map(); // also those that a search hides
  /** @type {Map<string, ListChange>} */
  #changes = new Map(); // the latest of each id

  /** @param {ListPage} page */
  constructor(page) {
    this.fill(page);
  }

  get rows() {
    return [...this.#summaries.values()].sort(inOrder);
  }

  /** The latest known summary, whether it is a row or not. @param {string | null} id */
  get(id) {
    return this.#known.get(id ?? "") ?? null;
  }

  /** The first page, fetched at version `since`, replaces everything. @param {ListPage} page */
  fill(page, since = this.version) {
    this.#summaries.clear();
    this.extend(page, since);
    for (const [id, { version, summary }] of this.#changes) {
      if (version > since && summary && !this.#summaries.has(id)) this.#set(summary);
    }
  }

  /** @param {ListPage} page */
  extend({ conversations, more }, since = this.version) {
    for (const summary of conversations) {
      const change = this.#changes.get(summary.id);
      if (!change || change.version <= since) this.#place(summary);
      else if (change.summary) this.#place(later(change.summary, summary));
    }
    this.more = more;
  }

  /** Search results get no new ones. @param {Summary} summary */
  put({ id, title, updated_at, running, unread, pinned_at = null }) {
    const summary = { id, title, updated_at, running, unread, pinned_at };
    this.#record(id, summary);
    this.#known.set(id, summary);
    this.#set(summary);
  }

  /** Remember the summary of a conversation that may be in no fetched page. @param {Summary} summary */
  note(summary) {
    if (!this.#known.has(summary.id)) this.#known.set(summary.id, summary);
  }

  /** Take a reply, unless a later change has arrived. @param {Summary} summary */
  merge(summary) {
    if (this.#changes.get(summary.id)?.summary === null) return; // deleted
    this.put(later(summary, this.get(summary.id) ?? summary));
  }

  /** @param {string} id */
  remove(id) {
    this.#record(id, null);
    this.#summaries.delete(id);
    this.#known.delete(id);
  }

  /** @param {Summary} summary */
  #place(summary) {
    const { match, ...known } = summary;
    this.#known.set(summary.id, known);
    this.#summaries.set(summary.id, summary);
  }

  /** @param {string} id @param {Summary | null} summary */
  #record(id, summary) {
    this.version += 1;
    this.#changes.set(id, { version: this.version, summary });
  }

  /** @param {Summary} summary */
  #set(summary) {
    const row = this.#summaries.get(summary.id);
    if (!this.search || row) this.#summaries.set(summary.id, row?.match ? { ...summary, match: row.match } : summary);
  }

  /**
   * The id `step` rows below (negative: above), or null. From outside the list: its first or last row.
   * @param {string | null} id
   * @param {number} step
   * @returns {string | null}
   */
  neighbour(id, step) {
    const { rows } = this;
    const here = rows.findIndex((summary) => summary.id === id);
    const there = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    return rows[there]?.id ?? null;
  }
}
