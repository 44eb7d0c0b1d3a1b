/**
 * Sends queued messages, one after the end of each answer.
 *
 * The first one of a conversation names the response that it follows. Only a page that knows this response and its end
 * sends it, under its own request id: two tabs make one response of it, and neither sends the second before the first.
 * After Stop and after a failure the reader decides.
 */

import { newRequestId, STATUS } from "../server/protocol.js";

export class QueuedMessages {
  #queue;
  #on;
  #now;

  /** @param {QueuedMessagesParts} parts */
  constructor({ queue, on, now }) {
    this.#queue = queue;
    this.#on = on;
    this.#now = now;
  }

  /** Those that this conversation has not asked yet. @param {Conversation} conversation */
  of(conversation) {
    const asked = new Set(conversation.tree.turns.map((turn) => turn.requestId));
    return this.#queue.of(conversation.id).filter(({ requestId }) => !asked.has(requestId));
  }

  /** Returns false before the server has created the conversation. @param {Conversation} conversation @param {Message} message @param {string} model */
  add(conversation, message, model) {
    const { id: conversationId, tree } = conversation;
    if (!conversationId) return false;
    const after = this.of(conversation).length ? null : (tree.running?.response?.id ?? null);
    const requestId = newRequestId();
    this.#queue.keep({ ...message, requestId, conversationId, after, held: false, model, at: this.#now() });
    this.#on.changed(conversation);
    return true;
  }

  /** @param {Conversation} conversation @param {string} requestId @param {Partial<QueuedMessage>} changes */
  change(conversation, requestId, changes) {
    this.#queue.change(requestId, changes);
    this.#on.changed(conversation);
    this.sendNext(conversation);
  }

  /** @param {Conversation} conversation @param {string} requestId */
  cancel(conversation, requestId) {
    const [first, second] = this.#queue.of(conversation.id);
    this.#queue.drop(requestId);
    if (second && first.requestId === requestId) this.#queue.change(second.requestId, { after: first.after });
    this.#on.changed(conversation);
    this.sendNext(conversation);
  }

  /** The next message follows this turn. @param {Conversation} conversation @param {Turn} turn */
  accepted(conversation, { requestId, response }) {
    this.#queue.drop(requestId);
    const [next] = this.#queue.of(conversation.id);
    if (next && response) this.#queue.change(next.requestId, { after: response.id });
    this.#on.changed(conversation);
  }

  /** Whether the first one waits for the reader, not for an answer. @param {Conversation} conversation */
  waitsForReader(conversation) {
    const [next] = this.of(conversation);
    return Boolean(next) && !conversation.tree.running && !this.#mayFollow(conversation, next);
  }

  /** Send the first one if its answer has ended. @param {Conversation} conversation */
  sendNext(conversation) {
    const [next] = this.of(conversation);
    if (next && this.#mayFollow(conversation, next)) this.send(conversation, next.requestId);
  }

  /** Send one now; none may be running. @param {Conversation} conversation @param {string} requestId */
  send(conversation, requestId) {
    const entry = this.of(conversation).find((each) => each.requestId === requestId);
    if (!entry || conversation.tree.running) return;
    const { input, model, attachments, settings } = entry;
    conversation.ask(input, model, { requestId, attachments, settings }); // first: then the outbox has it
    this.#queue.drop(requestId);
    this.#on.changed(conversation);
  }

  /** @param {Conversation} conversation @param {QueuedMessage} next */
  #mayFollow({ tree }, { after, held }) {
    if (held || after === null || after !== tree.lastId || tree.running) return false;
    const status = tree.find(after)?.response?.status;
    return status === STATUS.completed || status === STATUS.incomplete;
  }
}
