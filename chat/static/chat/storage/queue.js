/** Messages that wait for the end of a running answer, each under a separate name, as in the outbox. */

const PREFIX = "queued:";

export class Queue {
  #store;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Of one conversation, in order. @param {ConversationId} conversationId */
  of(conversationId) {
    const entries = this.#store.names(PREFIX).map((name) => this.#read(name));
    const own = entries.filter((entry) => entry !== null).filter((entry) => entry.conversationId === conversationId);
    return own.sort((one, other) => one.at - other.at);
  }

  /** @param {QueuedMessage} entry */
  keep(entry) {
    this.#store.set(PREFIX + entry.requestId, entry);
  }

  /** @param {string} requestId @param {Partial<QueuedMessage>} changes */
  change(requestId, changes) {
    const entry = this.#read(PREFIX + requestId);
    if (entry) this.keep({ ...entry, ...changes });
  }

  /** @param {string} requestId */
  drop(requestId) {
    this.#store.set(PREFIX + requestId, null);
  }

  /** Null if incomplete. @param {string} name */
  #read(name) {
    const entry = /** @type {QueuedMessage | null} */ (this.#store.get(name));
    return entry?.requestId ? entry : null;
  }
}
