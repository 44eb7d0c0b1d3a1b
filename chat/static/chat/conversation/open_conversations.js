/**
 * The conversations that this page has open: the one that is shown, and those whose answers go on unseen.
 *
 * in:  the reader's wishes (open, ask); the socket's opening and its events; rows of api_client.js
 * out: commands through `send`; what is kept in the outbox and the drafts; `on`, of the shown conversation only:
 *      shown, known (its summary), changed, path, refused, named; and `listed` when the conversations that have no
 *      id yet are others
 */

import { Conversation } from "./conversation.js";
import { ArchiveError } from "../server/api_client.js";
import { EVENT, createCommand, responseIdOf, unsubscribeCommand } from "../server/protocol.js";

export class Desk {
  shown = null;
  #open = new Set();
  #visit = 0; // +1 with each wish to see another conversation: an earlier one that loads slowly is dropped
  #archive;
  #drafts;
  #outbox;
  #send;
  #on;
  #now;

  constructor({ archive, drafts, outbox, send, on, now = Date.now }) {
    this.#archive = archive;
    this.#drafts = drafts;
    this.#outbox = outbox;
    this.#send = send;
    this.#on = on;
    this.#now = now;
  }

  /** The conversations that wait for their first message to be accepted, and so have no id and no summary. */
  get waiting() {
    return [...this.#open].filter((conversation) => !conversation.id && conversation.turns.length);
  }

  /** What the server wrote into the page; on the page of a new conversation, the one that waits to be sent. */
  begin({ id, responses }) {
    this.#show(this.#make({ id, responses }));
    this.#sendKept();
    if (!id && this.waiting.length) this.show(this.waiting.at(-1));
  }

  /** Resolves when it is shown, or a later wish has overtaken it. Rejects with an ArchiveError: nothing has changed. */
  async open(id) {
    const visit = (this.#visit += 1);
    const known = this.#find(id);
    if (known) {
      this.#show(known);
      return this.#refresh(known);
    }
    const { conversation: summary, responses } = await this.#archive.responses(id);
    if (visit !== this.#visit) return;
    this.#on.known(summary);
    const opened = this.#make({ id, responses });
    this.#show(opened);
    opened.resume(); // what runs in it was begun elsewhere: nobody here follows it yet
    this.#sendKept();
  }

  openNew() {
    this.show(this.#make({ id: null, responses: [] }));
  }

  /** One of those that are open. */
  show(conversation) {
    this.#visit += 1;
    this.#show(conversation);
  }

  /** Returns whether any open conversation, or a message on its way, knew what to do with the event. */
  receive(event) {
    const taken = [...this.#open].some((conversation) => conversation.receive(event));
    return taken || this.#settle(event);
  }

  /** The socket has opened: say again what the last one may have lost. */
  resume() {
    for (const conversation of this.#open) conversation.resume();
    this.#sendKept();
  }

  /** Somebody looks at the page: see what happened elsewhere. To fetch a conversation is to have read it. */
  look() {
    return this.#refresh(this.shown);
  }

  /** Whether a response of the shown conversation is not known here: then it was asked elsewhere. */
  misses({ conversation: { id }, response }) {
    return id === this.shown.id && response && !this.shown.turns.some((turn) => turn.follow?.id === response.id);
  }

  /** The server will not take the frame that was just sent, however often it is sent. */
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
    this.#forget();
    this.#on.shown(conversation);
  }

  /** A conversation that is not shown is needed as long as anything in it runs. */
  #forget() {
    for (const each of this.#open) {
      if (each !== this.shown && !each.turns.some((turn) => turn.running)) this.#open.delete(each);
    }
    this.#on.listed();
  }

  async #refresh(conversation) {
    if (!conversation.id) return;
    try {
      conversation.merge((await this.#archive.responses(conversation.id)).responses);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error; // away: the next socket that opens asks again
    }
  }

  #make({ id, responses }) {
    const whenShown = (name, ...about) => conversation === this.shown && this.#on[name](...about);
    const tell = {
      added: (turn) => {
        if (!turn.follow) this.#outbox.keep(turn, conversation.id, this.#now());
      },
      removed: (turn) => this.#outbox.drop(turn.requestId),
      changed: (turn) => {
        if (turn.follow) this.#outbox.drop(turn.requestId);
        whenShown("changed", turn);
        if (!turn.running && conversation !== this.shown) this.#forget();
      },
      path: () => whenShown("path"),
      refused: (turn) => this.#refused(conversation, turn),
      named: (id) => {
        whenShown("named", id);
        this.#on.listed();
      },
    };
    const conversation = new Conversation({ id, responses }, { send: this.#send, tell, now: this.#now });
    this.#open.add(conversation);
    return conversation;
  }

  #refused(conversation, turn) {
    this.#outbox.drop(turn.requestId);
    if (conversation === this.shown) return this.#on.refused(turn);
    this.#drafts.giveBack(conversation.id, turn.input);
    this.#forget();
  }

  /** What the outbox keeps, of an earlier page or of another tab, is asked in the conversation where it belongs. */
  #sendKept() {
    const here = new Set([...this.#open].flatMap(({ turns }) => turns.map((turn) => turn.requestId)));
    for (const entry of this.#outbox.entries().filter(({ requestId }) => !here.has(requestId))) {
      const { conversationId, requestId, previousId, regenerateOf, input, model } = entry;
      const home = conversationId ? this.#find(conversationId) : this.#make({ id: null, responses: [] });
      if (home) home.ask(input, model, { requestId, previousId, regenerateOf });
      else this.#send(createCommand(entry)); // its conversation is not open: nobody here reads the answer
    }
  }

  /** What became of a message whose conversation is not open. */
  #settle(event) {
    const entry = this.#outbox.get(event.stream_id);
    if (!entry) return false;
    const id = responseIdOf(event);
    if (event.type === EVENT.error) this.#drafts.giveBack(entry.conversationId, entry.input);
    else if (id) this.#send(unsubscribeCommand(id)); // a socket follows what it has asked
    else return false;
    this.#outbox.drop(entry.requestId);
    return true;
  }
}
