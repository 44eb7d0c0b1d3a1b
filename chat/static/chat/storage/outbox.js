/**
 * Messages that the server has not accepted or refused; they survive a reload. Several tabs may send one: its request id
 * makes it one response.
 */

const PREFIX = "outbox:"; // one name per message: tabs that write at the same time do not collide

export class Outbox {
  #store;
  /** @type {Set<string>} */ #ids = new Set(); // spares reading the store while tokens arrive

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  get hasPending() {
    return this.#ids.size > 0;
  }

  /**
   * Keep an unaccepted message, once.
   * @param {Omit<Ask, "conversationId">} turn
   * @param {ConversationId} conversationId
   * @param {number} at
   */
  keep({ requestId, previousId, regenerateOf, input, attachments, model, settings }, conversationId, at) {
    if (this.#ids.has(requestId)) return;
    this.#ids.add(requestId);
    /** @type {OutboxEntry} */
    const entry = { requestId, conversationId, previousId, regenerateOf, input, attachments, model, settings, at };
    this.#store.set(PREFIX + requestId, entry);
  }

  /** @param {string} requestId */
  get(requestId) {
    return this.#ids.has(requestId) ? this.#read(PREFIX + requestId) : null;
  }

  /** @param {string} requestId */
  drop(requestId) {
    if (!this.#ids.delete(requestId)) return;
    this.#store.set(PREFIX + requestId, null);
  }

  /** Of all tabs, oldest first. */
  entries() {
    const read = this.#store.names(PREFIX).map((name) => this.#read(name));
    const entries = read.filter((entry) => entry !== null);
    this.#ids = new Set(entries.map((entry) => entry.requestId));
    return entries.sort((one, other) => one.at - other.at);
  }

  /** Null if incomplete. @param {string} name */
  #read(name) {
    const entry = /** @type {OutboxEntry | null} */ (this.#store.get(name));
    return entry?.requestId && (entry.input || entry.attachments?.length) ? entry : null;
  }
}
