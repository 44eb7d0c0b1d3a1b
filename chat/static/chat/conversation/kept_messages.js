/**
 * Sends the messages that the outbox keeps from an earlier page or another tab.
 *
 * in:  entries of the outbox, the open conversations, events of the socket
 * out: commands through `send`; a refused message becomes the draft of its conversation
 */

import { createCommand, EVENT, responseIdOf, unsubscribeCommand } from "../server/protocol.js";

export class KeptMessages {
  #outbox;
  #drafts;
  #send;
  #create;

  /** `create()` opens a new conversation. */
  constructor({ outbox, drafts, send, create }) {
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.#send = send;
    this.#create = create;
  }

  /** Ask each message that none of these conversations has, in the one it belongs to. */
  send(conversations) {
    const here = new Set(conversations.flatMap(({ tree }) => tree.turns.map((turn) => turn.requestId)));
    for (const entry of this.#outbox.entries().filter(({ requestId }) => !here.has(requestId))) {
      const { conversationId, requestId, previousId, regenerateOf, input, model } = entry;
      const home = conversationId ? conversations.find(({ id }) => id === conversationId) : this.#create();
      if (home) home.ask(input, model, { requestId, previousId, regenerateOf });
      else this.#send(createCommand(entry)); // its conversation is not open: see settle()
    }
  }

  /** Drop a message that is accepted or refused while its conversation is not open. Returns whether there is one. */
  settle(event) {
    const entry = this.#outbox.get(event.stream_id);
    if (!entry) return false;
    const id = responseIdOf(event);
    if (event.type === EVENT.error) this.#drafts.restore(entry.conversationId, entry.input);
    else if (id)
      this.#send(unsubscribeCommand(id)); // the server subscribes a socket to what it asks
    else return false;
    this.#outbox.drop(entry.requestId);
    return true;
  }
}
