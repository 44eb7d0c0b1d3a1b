/** The unsent text of each conversation. A null id means the new conversation. */

/** @import { Store } from "./store.js" */

const PREFIX = "draft:";
const NEW = "new";

export class Drafts {
  #store;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {string | null} conversationId */
  of(conversationId) {
    return String(this.#store.get(PREFIX + (conversationId ?? NEW)) ?? "");
  }

  /** @param {string | null} conversationId @param {string} text */
  keep(conversationId, text) {
    this.#store.set(PREFIX + (conversationId ?? NEW), text);
  }

  /**
   * Keep a refused input as the draft, unless there is a newer one.
   * @param {string | null} conversationId
   * @param {string} text
   */
  restore(conversationId, text) {
    if (!this.of(conversationId)) this.keep(conversationId, text);
  }
}
