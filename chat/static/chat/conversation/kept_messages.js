/** Sends the messages that an earlier page or another tab left in the outbox. A refused one becomes a draft. */

import { createCommand, EVENT, responseIdOf, unsubscribeCommand } from "../server/protocol.js";

export class KeptMessages {
  #outbox;
  #drafts;
  #send;
  #create;

  /** @param {KeptMessagesParts} parts */
  constructor({ outbox, drafts, send, create }) {
    this.#outbox = outbox;
    this.#drafts = drafts;
    this.#send = send;
    this.#create = create;
  }

  /**
   * Send each message that these conversations lack, through its conversation if open.
   * @param {Conversation[]} conversations
   */
  send(conversations) {
    const here = new Set(conversations.flatMap(({ tree }) => tree.turns.map((turn) => turn.requestId)));
    for (const entry of this.#outbox.entries().filter(({ requestId }) => !here.has(requestId))) {
      const { conversationId, requestId, previousId, regenerateOf, input, attachments, model, settings } = entry;
      const home = conversationId ? conversations.find(({ id }) => id === conversationId) : this.#create();
      if (home) home.ask(input, model, { requestId, previousId, regenerateOf, attachments, settings });
      else this.#send(createCommand(entry)); // settle() handles the reply
    }
  }

  /**
   * Drop a message that is accepted or refused while its conversation is closed. Returns whether there is one.
   * @param {ReplyEvent} event
   */
  settle(event) {
    const entry = this.#outbox.get(event.stream_id ?? "");
    if (!entry) return false;
    if (event.type === EVENT.error && event.retry_after) {
      setTimeout(() => this.#send(createCommand(entry)), event.retry_after * 1000);
      return true;
    }
    const id = responseIdOf(event);
    if (event.type === EVENT.error) this.#drafts.restore(entry.conversationId, entry);
    else if (id)
      this.#send(unsubscribeCommand(id)); // response.create has subscribed
    else return false;
    this.#outbox.drop(entry.requestId);
    return true;
  }
}
