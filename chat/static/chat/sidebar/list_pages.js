/**
 * Fetches the list of conversations: its first page, the next ones, and the results of a search.
 *
 * in:  the search field and the end of the list coming into view (conversation_list_view.js)
 * out: requests of api_client.js; `changed()` when a page is in the list
 */

import { ifApiError } from "../server/api_client.js";

const TYPING_MS = 200; // a search starts after this pause in typing

export class ListPages {
  #list;
  #api;
  #changed;
  #timer = null;
  #reloads = 0; // a page fetched before the latest reload is dropped
  #loading = false;

  constructor(list, { api, changed }) {
    this.#list = list;
    this.#api = api;
    this.#changed = changed;
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
    const page = await this.#api.list(query).catch(ifApiError(() => null));
    if (!page || reloads !== this.#reloads) return;
    put(page, since);
    this.#changed();
  }
}
