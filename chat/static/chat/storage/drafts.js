/**
 * What was written and not sent yet, for each conversation. Pure but for the store.
 *
 * in:  the composer's text at each change (open_conversations.js)
 * out: the text to go on with, after a reload too
 */

const PREFIX = "draft:";
const NEW = "new"; // of the conversation that has no id yet

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

  /** A text that came back unsent: it waits for the reader, unless they have written another since. */
  giveBack(conversationId, text) {
    if (!this.of(conversationId)) this.keep(conversationId, text);
  }
}
