/**
 * The conversations open in this page: the visible one, and hidden ones with running responses.
 *
 * in:  the reader's choices (open, show), each opening of the socket and its events, rows of api_client.js
 * out: commands through `send`; drafts of hidden conversations; `on`, for the visible conversation only: shown, loaded
 *      (its summary), changed, path, refused, named; and `listed` when the set of conversations without an id has changed
 */

import { ifApiError } from "../server/api_client.js";
import { EVENT } from "../server/protocol.js";
import { Conversation } from "./conversation.js";
import { KeptMessages } from "./kept_messages.js";

export class OpenConversations {
  shown = null;
  #open = [];
  #visit = 0; // +1 with each choice of a conversation: one that loads late is dropped
  #kept;
  #api;
  #drafts;
  #outbox;
  #send;
  #on;
  #now;

  constructor({ api, drafts, outbox, send, on, now = Date.now }) {
    this.#kept = new KeptMessages({ outbox, drafts, send, create: () => this.#create() });
    this.#api = api;
    this.#drafts = drafts;
    this.#outbox = outbox;
    this.#send = send;
    this.#on = on;
    this.#now = now;
  }

  /** The conversations whose first message is not accepted yet: they have no id and no summary. */
  get waiting() {
    return this.#open.filter(({ id, tree }) => !id && tree.turns.length);
  }

  /** Show the conversation of the page data; on the page of a new conversation, the last unsent one. */
  start({ id, responses }) {
    this.show(this.#create({ id, responses }));
    this.#kept.send(this.#open);
    if (!id && this.waiting.length) this.show(this.waiting.at(-1));
  }

  /**
   * Show a conversation, or a new one for null. Resolves when it is shown, or a later choice has replaced it. Rejects with
   * an ApiError: nothing has changed.
   */
  async open(id) {
    if (!id) return this.show(this.#create());
    this.#visit += 1;
    const visit = this.#visit;
    const known = this.#open.find((each) => each.id === id);
    if (known) {
      this.show(known);
      return this.refresh();
    }
    const { conversation: summary, responses } = await this.#api.responses(id);
    if (visit !== this.#visit) return;
    this.#on.loaded(summary);
    this.show(this.#create({ id, responses }));
    this.shown.resume(); // subscribe to what runs in it
    this.#kept.send(this.#open);
  }

  /** Show one of the open conversations and drop the hidden ones in which nothing runs. */
  show(conversation) {
    this.#visit += 1;
    this.shown = conversation;
    this.#closeIdle();
    this.#on.shown(conversation);
  }

  /**
   * Fetch what happened elsewhere. The server marks a fetched conversation as read. While the server is unavailable,
   * nothing changes: the next socket that opens fetches again.
   */
  async refresh() {
    const { shown } = this;
    if (!shown.id) return;
    const fetched = await this.#api.responses(shown.id).catch(ifApiError(() => null));
    if (fetched) shown.merge(fetched.responses);
  }

  /** Returns whether the event belonged to an open conversation or to a message of the outbox. */
  receive(event) {
    return this.#open.some((conversation) => conversation.receive(event)) || this.#kept.settle(event);
  }

  /** A change event may arrive before the events of its response: it names the conversation that was asked for here. */
  nameWaiting({ conversation, response }) {
    this.waiting.find((each) => each.hasAsked(response))?.name(conversation.id);
  }

  /** The socket has opened: send again what the last one may have lost. */
  resume() {
    for (const conversation of this.#open) conversation.resume();
    this.#kept.send(this.#open);
  }

  /** The server rejects the frame that was just sent, and would reject it again. */
  refuseUnaccepted(error) {
    for (const { tree } of this.#open) {
      const [turn] = tree.unsent;
      if (turn) this.receive({ type: EVENT.error, error, stream_id: turn.requestId });
    }
  }

  isSilent(openedAt) {
    const now = this.#now();
    return this.#open.some(({ tree }) => tree.turns.some((turn) => turn.isSilent(now, openedAt)));
  }

  #closeIdle() {
    this.#open = this.#open.filter((each) => each === this.shown || each.tree.turns.some((turn) => turn.running));
    this.#on.listed();
  }

  #create({ id = null, responses = [] } = {}) {
    const whenShown = (name, ...about) => conversation === this.shown && this.#on[name](...about);
    const on = {
      changed: (turn) => {
        whenShown("changed", turn);
        if (!turn.running && conversation !== this.shown) this.#closeIdle();
      },
      path: () => whenShown("path"),
      refused: (turn) => {
        if (conversation === this.shown) return this.#on.refused(turn);
        this.#drafts.restore(conversation.id, turn.input);
        this.#closeIdle();
      },
      named: (named) => {
        whenShown("named", named);
        this.#on.listed();
      },
    };
    const conversation = new Conversation(
      { id, responses },
      { send: this.#send, outbox: this.#outbox, on, now: this.#now },
    );
    this.#open.push(conversation);
    return conversation;
  }
}
