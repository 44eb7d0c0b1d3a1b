/** The unsent text of each conversation. */

const PREFIX = "draft:";
const NEW = "new";

export class Drafts {
  #store;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {ConversationId} conversationId */
  of(conversationId) {
    return String(this.#store.get(PREFIX + (conversationId ?? NEW)) ?? "");
  }

  /** @param {ConversationId} conversationId @param {string} text */
  keep(conversationId, text) {
    this.#store.set(PREFIX + (conversationId ?? NEW), text);
  }

  /** Keep a refused input, unless there is a newer draft. @param {ConversationId} conversationId @param {string} text */
  restore(conversationId, text) {
    if (!this.of(conversationId)) this.keep(conversationId, text);
  }
}
