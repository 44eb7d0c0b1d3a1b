/**
 * The messages that the server has not accepted yet. Each is kept until it is accepted or refused, so that it survives a
 * reload and the next page sends it. Several tabs may send the same message: its request id makes it one response.
 *
 * in:  unaccepted turns (conversation.js)
 * out: entries {requestId, conversationId, previousId, regenerateOf, input, model, at}, the oldest first
 */

const PREFIX = "outbox:"; // one name per message: tabs that write at the same time do not overwrite each other

export class Outbox {
  #store;
  #ids = new Set(); // the known request ids: no access to the store while tokens arrive

  constructor(store) {
    this.#store = store;
  }

  /** Whether this page knows of an unaccepted message. */
  get hasPending() {
    return this.#ids.size > 0;
  }

  /** Keep an unaccepted turn; one that the outbox sent again stays as it is. */
  keep({ requestId, previousId, regenerateOf, input, model }, conversationId, at) {
    if (this.#ids.has(requestId)) return;
    this.#ids.add(requestId);
    const entry = { requestId, conversationId, previousId, regenerateOf, input, model, at };
    this.#store.set(PREFIX + requestId, entry);
  }

  /** The entry of a message, or null. */
  get(requestId) {
    return this.#ids.has(requestId) ? this.#store.get(PREFIX + requestId) : null;
  }

  drop(requestId) {
    if (!this.#ids.delete(requestId)) return;
    this.#store.set(PREFIX + requestId, null);
  }

  /** All unaccepted messages, of other tabs too. */
  entries() {
    const entries = this.#store.names(PREFIX).map((name) => this.#store.get(name));
    const whole = entries.filter((entry) => entry?.requestId && entry.input);
    this.#ids = new Set(whole.map((entry) => entry.requestId));
    return whole.sort((one, other) => one.at - other.at);
  }
}
