/**
 * Keeps the list of conversations and the server in step: searches, pages, renames, deletions and their undo.
 *
 * in:  the reader's actions (conversation_list_view.js), the server's change events
 * out: requests of api_client.js; `on`: changed(), failed(error)
 */

import { ApiError } from "../server/api_client.js";

const GONE = 404; // deleted elsewhere, or never there
const TYPING_MS = 200; // a search starts after this pause in typing

export class ListController {
  #list;
  #api;
  #on;
  #timer = null;
  #reloads = 0; // a page fetched before the latest reload is dropped
  #loading = false;
  #changes = new Map(); // id → the last change event of it

  constructor(list, { api, on }) {
    this.#list = list;
    this.#api = api;
    this.#on = on;
  }

  /** Call at each key: searches after a pause in typing, at once when the field is emptied. */
  search(text) {
    clearTimeout(this.#timer);
    this.#list.search = text.trim();
    this.#timer = setTimeout(() => this.reload(), this.#list.search ? TYPING_MS : 0);
  }

  /** Fetch the first page again. While the server is unavailable, the list stays as it is. */
  async reload() {
    this.#reloads += 1;
    const { search } = this.#list;
    await this.#fetch({ search }, (page, since) => this.#list.fill(page, since));
  }

  async loadMore() {
    if (this.#loading || this.#list.more === null) return;
    this.#loading = true;
    const { search, more: before } = this.#list;
    await this.#fetch({ search, before }, (page, since) => this.#list.extend(page, since));
    this.#loading = false;
  }

  async #fetch(query, put) {
    const [reloads, since] = [this.#reloads, this.#list.version];
    const page = await this.#tried(this.#api.list(query), { quietly: true });
    if (!page || reloads !== this.#reloads) return;
    put(page, since);
    this.#on.changed();
  }

  /** Apply a change event of the server. */
  applyChange(conversation) {
    this.#changes.set(conversation.id, conversation);
    this.#put(conversation.id, conversation.deleted ? null : conversation);
  }

  rename(id, title) {
    const before = this.#list.get(id);
    if (!before || !title || title === before.title) return this.#on.changed(); // it may be deleted by now
    return this.#change(before, { title }, { ...before, title });
  }

  /** The newest response was seen. If the request fails, the next fetch restores the mark. */
  markRead(id) {
    this.#put(id, { ...this.#list.get(id), unread: false });
    return this.#tried(this.#api.change(id, { read: true }), { quietly: true });
  }

  /** Resolves to whether it is deleted. */
  remove(id) {
    return this.#change(this.#list.get(id), { deleted: true }, null);
  }

  /** Resolves to whether it is restored. */
  restore(summary) {
    return this.#change(null, { deleted: false }, summary);
  }

  /** Show the change at once, and revert it if the server refuses. Resolves to whether it succeeded. */
  async #change(before, changes, after) {
    const { id } = before ?? after;
    this.#put(id, after);
    const change = this.#changes.get(id);
    const refused = ({ status }) => {
      if (this.#changes.get(id) === change) this.#revert(id, status === GONE ? null : before, after); // else it is newer
    };
    const summary = await this.#tried(this.#api.change(id, changes), { refused });
    if (summary && after) {
      this.#list.merge(summary);
      this.#on.changed();
    }
    return summary !== null;
  }

  /** Of a rename revert only the title, and only if it is still there: the rest may be newer. */
  #revert(id, before, after) {
    const now = this.#list.get(id);
    if (!before || !after) this.#put(id, before);
    else if (now?.title === after.title) this.#put(id, { ...now, title: before.title });
  }

  #put(id, summary) {
    if (summary) this.#list.put(summary);
    else this.#list.remove(id);
    this.#on.changed();
  }

  async #tried(request, { quietly = false, refused = () => {} } = {}) {
    try {
      return await request;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!quietly) this.#on.failed(error);
      refused(error);
      return null;
    }
  }
}
