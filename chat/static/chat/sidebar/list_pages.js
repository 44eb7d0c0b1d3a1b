/** Fetches the list, page by page, and search results. */

import { ifApiError } from "../server/api_client.js";

const TYPING_MS = 200; // pause before a search starts

export class ListPages {
  #list;
  #api;
  #changed;
  /** @type {Timer} */ #timer;
  #reloads = 0; // a page fetched before the latest reload is dropped
  #loading = false;

  /** @param {ConversationList} list @param {ListPagesParts} parts */
  constructor(list, { api, changed }) {
    this.#list = list;
    this.#api = api;
    this.#changed = changed;
  }

  /** At once if the text is empty, else after a pause in typing. @param {string} text */
  search(text) {
    clearTimeout(this.#timer);
    this.#list.search = text.trim();
    this.#timer = setTimeout(() => this.reload(), this.#list.search ? TYPING_MS : 0);
  }

  /** While the server is unavailable, the list stays. */
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

  /** @param {ListQuery} query @param {(page: ListPage, since: number) => void} put */
  async #fetch(query, put) {
    const [reloads, since] = [this.#reloads, this.#list.version];
    const page = await this.#api.list(query).catch(ifApiError(() => null));
    if (!page || reloads !== this.#reloads) return;
    put(page, since);
    this.#changed();
  }
}
