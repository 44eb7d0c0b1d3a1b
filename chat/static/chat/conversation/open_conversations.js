/**
 * The conversations open in this page: the visible one, and hidden ones with running responses.
 *
 * in:  the reader's choices (open, ask), each opening of the socket and its events, rows of api_client.js
 * out: commands through `send`; entries of the outbox and the drafts; `on`, for the visible conversation only:
 *      shown, loaded (its summary), changed, path, refused, named; and `listed` when the set of conversations
 *      without an id has changed
 */

import { Conversation } from "./conversation.js";
import { ApiError } from "../server/api_client.js";
import { EVENT, createCommand, responseIdOf, unsubscribeCommand } from "../server/protocol.js";

export class OpenConversations {
  shown = null;
  #open = new Set();
  #visit = 0; // +1 with each choice of a conversation: one that loads late is dropped
  #api;
  #drafts;
  #outbox;
  #send;
  #on;
  #now;

  constructor({ api, drafts, outbox, send, on, now = Date.now }) {
    this.#api = api;
    this.#drafts = drafts;
    this.#outbox = outbox;
    this.#send = send;
    this.#on = on;
    this.#now = now;
  }

  /** The conversations whose first message is not accepted yet: they have no id and no summary. */
  get waiting() {
    return [...this.#open].filter((conversation) => !conversation.id && conversation.turns.length);
  }

  /** Show the conversation of the page data; on the page of a new conversation, the last unsent one. */
  start({ id, responses }) {
    this.#show(this.#make({ id, responses }));
    this.#sendKept();
    if (!id && this.waiting.length) this.show(this.waiting.at(-1));
  }

  /** Resolves when it is shown, or a later choice has replaced it. Rejects with an ApiError: nothing has changed. */
  async open(id) {
    const visit = (this.#visit += 1);
    const known = this.#find(id);
    if (known) {
      this.#show(known);
      return this.#refresh(known);
    }
    const { conversation: summary, responses } = await this.#api.responses(id);
    if (visit !== this.#visit) return;
    this.#on.loaded(summary);
    const opened = this.#make({ id, responses });
    this.#show(opened);
    opened.resume(); // subscribe to what runs in it
    this.#sendKept();
  }

  openNew() {
    this.show(this.#make({ id: null, responses: [] }));
  }

  /** Show one of the open conversations. */
  show(conversation) {
    this.#visit += 1;
    this.#show(conversation);
  }

  /** Returns whether the event belonged to an open conversation or to an entry of the outbox. */
  receive(event) {
    const taken = [...this.#open].some((conversation) => conversation.receive(event));
    return taken || this.#settle(event);
  }

  /** The socket has opened: send again what the last one may have lost. */
  resume() {
    for (const conversation of this.#open) conversation.resume();
    this.#sendKept();
  }

  /** Fetch what happened elsewhere. The server marks a fetched conversation as read. */
  refresh() {
    return this.#refresh(this.shown);
  }

  /** Whether a changed conversation is the visible one and its response is not known here. */
  isMissing({ conversation: { id }, response }) {
    return id === this.shown.id && response && !this.shown.turns.some((turn) => turn.response?.id === response.id);
  }

  /** The server rejects the frame that was just sent, and would reject it again. */
  refuseUnaccepted(error) {
    for (const conversation of this.#open) conversation.refuseUnaccepted(error);
  }

  isSilent(openedAt) {
    const now = this.#now();
    return [...this.#open].some(({ turns }) => turns.some((turn) => turn.isSilent(now, openedAt)));
  }

  #find(id) {
    return [...this.#open].find((conversation) => id && conversation.id === id) ?? null;
  }

  #show(conversation) {
    this.shown = conversation;
    this.#closeIdle();
    this.#on.shown(conversation);
  }

  /** Drop the hidden conversations in which nothing runs. */
  #closeIdle() {
    for (const each of this.#open) {
      if (each !== this.shown && !each.turns.some((turn) => turn.running)) this.#open.delete(each);
    }
    this.#on.listed();
  }

  async #refresh(conversation) {
    if (!conversation.id) return;
    try {
      conversation.merge((await this.#api.responses(conversation.id)).responses);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // unavailable: retried when the socket opens
    }
  }

  #make({ id, responses }) {
    const whenShown = (name, ...about) => conversation === this.shown && this.#on[name](...about);
    const on = {
      added: (turn) => {
        if (!turn.response) this.#outbox.keep(turn, conversation.id, this.#now());
      },
      removed: (turn) => this.#outbox.drop(turn.requestId),
      changed: (turn) => {
        if (turn.response) this.#outbox.drop(turn.requestId);
        whenShown("changed", turn);
        if (!turn.running && conversation !== this.shown) this.#closeIdle();
      },
      path: () => whenShown("path"),
      refused: (turn) => this.#refused(conversation, turn),
      named: (id) => {
        whenShown("named", id);
        this.#on.listed();
      },
    };
    const conversation = new Conversation({ id, responses }, { send: this.#send, on, now: this.#now });
    this.#open.add(conversation);
    return conversation;
  }

  #refused(conversation, turn) {
    this.#outbox.drop(turn.requestId);
    if (conversation === this.shown) return this.#on.refused(turn);
    this.#drafts.restore(conversation.id, turn.input);
    this.#closeIdle();
  }

  /** Ask what the outbox keeps, from an earlier page or another tab, in the conversation it belongs to. */
  #sendKept() {
    const here = new Set([...this.#open].flatMap(({ turns }) => turns.map((turn) => turn.requestId)));
    for (const entry of this.#outbox.entries().filter(({ requestId }) => !here.has(requestId))) {
      const { conversationId, requestId, previousId, regenerateOf, input, model } = entry;
      const home = conversationId ? this.#find(conversationId) : this.#make({ id: null, responses: [] });
      if (home) home.ask(input, model, { requestId, previousId, regenerateOf });
      else this.#send(createCommand(entry)); // its conversation is not open: see #settle
    }
  }

  /** Drop the outbox entry that the server accepted or refused while its conversation is not open. */
  #settle(event) {
    const entry = this.#outbox.get(event.stream_id);
    if (!entry) return false;
    const id = responseIdOf(event);
    if (event.type === EVENT.error) this.#drafts.restore(entry.conversationId, entry.input);
    else if (id) this.#send(unsubscribeCommand(id)); // the server subscribes a socket to what it asks
    else return false;
    this.#outbox.drop(entry.requestId);
    return true;
  }
}
