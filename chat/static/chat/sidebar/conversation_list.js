/**
 * The list of conversations as it is known: newest activity first, in pages, or what a search found. Pure.
 *
 * in:  pages of the list and summaries {id, title, updated_at, running, unread} (list_controller.js)
 * out: `rows` for conversation_list_view.js; who is next to whom for the keyboard
 *
 * A page may have been read before the news that came while it was on its way. Of the two, the later one stays. News
 * from before the question does not stand against a page: a hint may be lost, and the clocks of web and worker differ.
 */

/** Newest activity first; the ids settle what happened in the same moment. */
const newestFirst = (one, other) => other.updated_at - one.updated_at || (other.id < one.id ? -1 : 1);

/** Of two summaries of one conversation the later one; the first one if nothing tells. */
const later = (one, other) => (other.updated_at > one.updated_at ? other : one);

export class ConversationList {
  search = "";
  heard = 0; // pieces of news so far: what is asked for now is handed in with it
  more = null; // the cursor of the next page, null = this is all
  #summaries = new Map();
  #told = new Map(); // id → { at, summary }: the latest news of it, null = it is gone

  constructor({ conversations, more }) {
    this.fill({ conversations, more });
  }

  get rows() {
    return [...this.#summaries.values()].sort(newestFirst);
  }

  get(id) {
    return this.#summaries.get(id) ?? null;
  }

  /** The first page, in place of everything; `asked` is what was `heard` as it was asked for. */
  fill({ conversations, more }, asked = this.heard) {
    this.#summaries.clear();
    this.extend({ conversations, more }, asked);
    for (const [id, news] of this.#told) {
      if (news.at > asked && news.summary && !this.#summaries.has(id)) this.#set(news.summary);
    }
  }

  /** The next page. */
  extend({ conversations, more }, asked = this.heard) {
    for (const summary of conversations) {
      const news = this.#told.get(summary.id);
      if (!news || news.at <= asked) this.#summaries.set(summary.id, summary);
      else if (news.summary) this.#summaries.set(summary.id, later(news.summary, summary));
    }
    this.more = more;
  }

  /** News: a conversation has changed. What a search did not find stays out of what it found. */
  put(summary) {
    const { id, title, updated_at, running, unread } = summary;
    const known = { id, title, updated_at, running, unread };
    this.heard += 1;
    this.#told.set(id, { at: this.heard, summary: known });
    this.#set(known);
  }

  /** A conversation as it was when the server was asked: news may have come since. */
  recall(summary) {
    if (this.#told.get(summary.id)?.summary === null) return; // it was deleted meanwhile
    this.put(later(summary, this.get(summary.id) ?? summary));
  }

  /** News: it is gone. */
  remove(id) {
    this.heard += 1;
    this.#told.set(id, { at: this.heard, summary: null });
    this.#summaries.delete(id);
  }

  #set(summary) {
    if (!this.search || this.#summaries.has(summary.id)) this.#summaries.set(summary.id, summary);
  }

  /** The id `step` rows below this one (negative: above), or null. From outside the list one enters at its ends. */
  neighbour(id, step) {
    const { rows } = this;
    const here = rows.findIndex((summary) => summary.id === id);
    const there = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    return rows[there]?.id ?? null;
  }
}
