/**
 * The messages that the server has not accepted yet. Each is kept from the moment it was sent until it is accepted or
 * refused, so that it survives a reload, and whoever opens the page next sends it. Nothing is doubled: a message
 * has its request id, and the server makes one response of it, however many tabs send it.
 *
 * in:  turns that were asked (open_conversations.js)
 * out: entries {requestId, conversationId, previousId, regenerateOf, input, model, at}, the oldest first
 */

const PREFIX = "outbox:"; // a name for each message: tabs that write at the same time do not overwrite each other

export class Outbox {
  #store;
  #held = new Set(); // the request ids that this page knows to be kept: asking costs nothing while tokens arrive

  constructor(store) {
    this.#store = store;
  }

  /** Whether anything waits to be accepted, as far as this page knows. */
  get waits() {
    return this.#held.size > 0;
  }

  /** Keeps a turn that was just asked; one that came from here stays as it is. */
  keep({ requestId, previousId, regenerateOf, input, model }, conversationId, at) {
    if (this.#held.has(requestId)) return;
    this.#held.add(requestId);
    const entry = { requestId, conversationId, previousId, regenerateOf, input, model, at };
    this.#store.set(PREFIX + requestId, entry);
  }

  /** The entry of a message, or null. */
  get(requestId) {
    return this.#held.has(requestId) ? this.#store.get(PREFIX + requestId) : null;
  }

  drop(requestId) {
    if (!this.#held.delete(requestId)) return;
    this.#store.set(PREFIX + requestId, null);
  }

  /** Everything that waits, of other tabs too. */
  entries() {
    const entries = this.#store.names(PREFIX).map((name) => this.#store.get(name));
    const whole = entries.filter((entry) => entry?.requestId && entry.input);
    this.#held = new Set(whole.map((entry) => entry.requestId));
    return whole.sort((one, other) => one.at - other.at);
  }
}
