/** The visible conversation, and hidden ones with running responses. */

import { ifApiError } from "../server/api_client.js";
import { EVENT } from "../server/protocol.js";
import { Conversation } from "./conversation.js";
import { KeptMessages } from "./kept_messages.js";
import { QueuedMessages } from "./queued_messages.js";

export class OpenConversations {
  // @ts-expect-error start() sets it before any use
  /** @type {Conversation} */ shown = null;
  /** @type {Conversation[]} */ #open = [];
  #visit = 0; // +1 with each choice; one that loads after a later choice is dropped
  #loading = false;
  #kept;
  #api;
  #drafts;
  #outbox;
  #send;
  #on;
  #now;

  /** @param {OpenConversationsParts} parts */
  constructor({ api, drafts, outbox, queue, send, on, now = Date.now }) {
    this.queued = new QueuedMessages({ queue, on: { changed: (each) => each === this.shown && on.queued() }, now });
    this.#kept = new KeptMessages({ outbox, drafts, send, create: () => this.#create() });
    this.#api = api;
    this.#drafts = drafts;
    this.#outbox = outbox;
    this.#send = send;
    this.#on = on;
    this.#now = now;
  }

  /** Conversations without an id: their first message is not accepted yet. */
  get waiting() {
    return this.#open.filter(({ id, tree }) => !id && tree.turns.length);
  }

  /** Show the conversation of the page data; on the page of a new one, the last unsent. @param {ConversationData} data */
  start({ id, responses, at }) {
    this.show(this.#create({ id, responses, at }));
    this.#kept.send(this.#open);
    const unsent = this.waiting.at(-1);
    if (!id && unsent) this.show(unsent);
    this.queued.sendNext(this.shown);
  }

  /**
   * Resolves when this or a later choice is shown. Rejects with an ApiError. `at`: the response whose turn is shown.
   * @param {ConversationId} id
   */
  async open(id, at = "") {
    if (!id) return this.show(this.#create());
    this.#visit += 1;
    const visit = this.#visit;
    const known = this.#open.find((each) => each.id === id);
    if (known) {
      this.show(known);
      if (at) await this.#reach(known, at);
      return this.refresh();
    }
    const { conversation: summary, responses } = await this.#api.responses(id, at ? { at } : {});
    if (visit !== this.#visit) return;
    this.#on.loaded(summary);
    this.show(this.#create({ id, responses }));
    if (at) await this.#reach(this.shown, at);
    this.shown.resume(); // subscribe to running responses
    this.#kept.send(this.#open);
    this.queued.sendNext(this.shown);
  }

  /** Show an open conversation and drop the idle hidden ones. @param {Conversation} conversation */
  show(conversation) {
    this.#visit += 1;
    this.shown = conversation;
    this.#closeIdle();
    this.#on.shown(conversation);
  }

  /** Fetch changes of other pages; the server marks the conversation as read. If it is unavailable, nothing changes. */
  async refresh() {
    const { shown } = this;
    if (!shown.id) return;
    const fetched = await this.#api.responses(shown.id).catch(ifApiError(() => null));
    if (!fetched) return;
    shown.merge(fetched.responses);
    this.queued.sendNext(shown);
  }

  /**
   * Show the turn of a response, after loading the turns between it and the known ones; then those below it.
   * @param {Conversation} conversation
   * @param {string} at
   */
  async #reach(conversation, at) {
    const { tree } = conversation;
    while (!tree.find(at) && conversation === this.shown && (await this.loadEarlier()));
    if (!tree.find(at)) await this.#load({ at }); // it is in another version
    const turn = tree.find(at);
    if (!turn || conversation !== this.shown) return;
    tree.reach(turn);
    this.#on.found(turn);
    await this.loadLater();
  }

  /** Load the turns above the visible path. Resolves to false if none could be loaded. */
  async loadEarlier() {
    const { top } = this.shown.tree;
    return top !== null && (await this.#load({ before: top }));
  }

  /** Load the turns below a chosen version, until none is missing. */
  async loadLater() {
    while (this.shown.tree.bottom) if (!(await this.#load({ after: this.shown.tree.bottom }))) return;
  }

  /** @param {Place} place */
  async #load(place) {
    const { shown } = this;
    if (!shown.id || this.#loading) return false;
    this.#loading = true;
    const fetched = await this.#api.responses(shown.id, place).catch(ifApiError(() => null));
    this.#loading = false;
    if (fetched) shown.merge(fetched.responses);
    return Boolean(fetched?.responses.length);
  }

  /** Returns whether the event belongs to an open conversation or to the outbox. @param {ReplyEvent} event */
  receive(event) {
    return this.#open.some((conversation) => conversation.receive(event)) || this.#kept.settle(event);
  }

  /**
   * Name the conversation that asked for this response: the change event may precede the response events.
   * @param {ChangeOfResponse} event
   */
  nameWaiting({ conversation, response }) {
    this.waiting.find((each) => each.hasAsked(response))?.name(conversation.id);
  }

  resume() {
    for (const conversation of this.#open) conversation.resume();
    this.#kept.send(this.#open);
  }

  /** Call every second. */
  tick() {
    for (const conversation of this.#open) conversation.tick();
  }

  /** The server rejects the last frame, and would again. @param {ErrorObject} error */
  refuseUnaccepted(error) {
    for (const { tree } of this.#open) {
      const [turn] = tree.unsent;
      if (turn) this.receive({ type: EVENT.error, error, stream_id: turn.requestId });
    }
  }

  /** @param {number | null} openedAt */
  isSilent(openedAt) {
    const now = this.#now();
    return this.#open.some(({ tree }) => tree.turns.some((turn) => turn.isSilent(now, openedAt)));
  }

  #closeIdle() {
    this.#open = this.#open.filter((each) => each === this.shown || each.tree.turns.some((turn) => turn.running));
    this.#on.listed();
  }

  /** @param {Partial<ConversationData>} data */
  #create({ id = null, responses = [], at } = {}) {
    const isShown = () => conversation === this.shown;
    /** @type {ConversationCallbacks} */
    const on = {
      changed: (turn) => {
        if (!turn.running) this.queued.sendNext(conversation);
        if (isShown()) this.#on.changed(turn);
        else if (!turn.running) this.#closeIdle();
      },
      path: () => isShown() && this.#on.path(),
      refused: (turn) => {
        if (isShown()) return this.#on.refused(turn);
        this.#drafts.restore(conversation.id, turn);
        this.#closeIdle();
      },
      accepted: (turn) => this.queued.accepted(conversation, turn),
      named: (named) => {
        if (isShown()) this.#on.named(named);
        this.#on.listed();
      },
    };
    const conversation = new Conversation(
      { id, responses, at },
      { send: this.#send, outbox: this.#outbox, on, now: this.#now },
    );
    this.#open.push(conversation);
    return conversation;
  }
}
