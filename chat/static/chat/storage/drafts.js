/**
 * The unsent text of each conversation. Pure but for the store.
 *
 * in:  the composer's text at each change (page.js), refused inputs (open_conversations.js, kept_messages.js)
 * out: the text to continue with, also after a reload
 */

const PREFIX = "draft:";
const NEW = "new"; // the conversation without an id

export class Drafts {
  #store;

  constructor(store) {
    this.#store = store;
  }

  of(conversationId) {
    return this.#store.get(PREFIX + (conversationId ?? NEW)) ?? "";
  }

  keep(conversationId, text) {
    this.#store.set(PREFIX + (conversationId ?? NEW), text);
  }

  /** Keep a refused input as the draft, unless there is a newer one. */
  restore(conversationId, text) {
    if (!this.of(conversationId)) this.keep(conversationId, text);
  }
}
