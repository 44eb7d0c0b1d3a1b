/**
 * The state of one conversation: a tree of turns, the path through it that is shown, and what has to be sent for them.
 *
 * in:  the reader's wishes (ask, retry, regenerate, edit, choose, stop), the socket's events, the socket's opening,
 *      rows that the server was asked for
 * out: commands through `send`; changes through `tell` (added, removed, changed, path, refused, named)
 */

import { Branches } from "./branches.js";
import { BEHIND, Follow } from "./follow.js";
import { EVENT, cancelCommand, createCommand, responseIdOf, subscribeCommand } from "../server/protocol.js";
import { Turn } from "./turn.js";

export class Conversation {
  turns = []; // of the whole tree
  path = []; // those that are shown, oldest first
  #branches = new Branches();
  #send;
  #tell;
  #now;

  /** `send(command)` returns whether the command left; `now()` is in ms. */
  constructor({ id, responses }, { send, tell, now = Date.now }) {
    this.id = id;
    this.#send = send;
    this.#tell = tell;
    this.#now = now;
    this.turns = responses.map((row) => Turn.of(row, now()));
    this.path = this.#branches.grow(this.turns);
  }

  /** The turn that runs on the path that is shown, or null. */
  get running() {
    return this.path.findLast((turn) => turn.running) ?? null;
  }

  /** The turns that the server has not accepted yet. */
  get unsent() {
    return this.turns.filter((turn) => turn.running && !turn.follow);
  }

  get lastId() {
    return this.path.findLast((turn) => turn.follow)?.follow.id ?? null;
  }

  /** The siblings of a turn, oldest first, itself included. */
  siblings(turn) {
    return this.#branches.siblings(turn);
  }

  /** `requestId` of an input that was asked before, and perhaps not heard: the server makes no second job of it. */
  ask(input, model, { requestId, previousId = this.lastId, regenerateOf = null } = {}) {
    if (requestId && this.turns.some((turn) => turn.requestId === requestId)) return;
    const turn = new Turn({ input, model, previousId, requestId, regenerateOf }, this.#now());
    this.turns.push(turn);
    this.#branches.forget(previousId);
    this.#sendInput(turn);
    this.#tell.added(turn);
    this.#grow();
  }

  /** The same input again: a sibling of the turn that failed, or in the place of one that was refused. */
  retry(turn, model) {
    if (turn.follow) return this.regenerate(turn, model);
    this.#remove(turn);
    const { input, previousId, regenerateOf, requestId } = turn;
    // the same requestId: it may have been accepted after all, and then it is that response, not a second one
    this.ask(input, model, { previousId, regenerateOf, requestId });
  }

  /** Another answer to the same input, beside the one that is there. */
  regenerate(turn, model) {
    const { input, previousId, follow } = turn;
    this.ask(input, model, { previousId, regenerateOf: follow.id });
  }

  /** Another input in the same place. What was said there stays, as its sibling. */
  edit(turn, input, model) {
    this.ask(input, model, { previousId: turn.previousId });
  }

  /** Show this sibling, and the path below it. */
  choose(turn) {
    this.#branches.choose(turn);
    this.#grow();
  }

  /** Stops what runs. Returns the input of a turn that had not left the page yet, else null. */
  stop() {
    const turn = this.running;
    if (!turn) return null;
    if (!turn.sent && !turn.follow) {
      this.#remove(turn);
      return turn.input;
    }
    turn.stopping = true;
    if (turn.follow) this.#send(cancelCommand(turn.follow.id));
    this.#tell.changed(turn);
    return null;
  }

  /** A socket has opened: say again what the last one may have lost. */
  resume() {
    for (const turn of this.turns.filter((each) => each.running)) {
      if (!turn.follow) this.#sendInput(turn);
      else this.#subscribe(turn);
      if (turn.follow && turn.stopping) this.#send(cancelCommand(turn.follow.id));
    }
  }

  /** Returns whether the event was for this conversation. */
  receive(event) {
    if (event.type === EVENT.error) return this.#refuse(event);
    const turn = this.#turnOf(event);
    if (!turn) return false;
    const { follow } = turn;
    if (follow.apply(event) === BEHIND) this.#subscribe(turn);
    turn.hear(this.#now());
    this.#tell.changed(turn);
    return true;
  }

  /** Rows of this conversation that the server was asked for: what another tab or device has asked is added and followed. */
  merge(rows) {
    const known = new Map(this.turns.map((turn) => [turn.follow?.id, turn]));
    for (const row of rows) {
      const turn = known.get(row.id);
      if (turn) turn.recall(row);
      else this.#addAskedElsewhere(Turn.of(row, this.#now()));
    }
    this.#grow();
  }

  #addAskedElsewhere(turn) {
    this.turns.push(turn);
    if (turn.running) this.#subscribe(turn);
    this.#tell.added(turn);
  }

  #turnOf(event) {
    const id = responseIdOf(event);
    const known = this.turns.findLast((turn) => turn.follow && turn.follow.id === id);
    const asked = id && event.stream_id && this.unsent.find((turn) => turn.requestId === event.stream_id);
    if (!asked) return known ?? null;
    if (known) this.#replace(asked, known); // it was accepted before: this page has learned of it from its row
    else this.#accept(asked, id, event.response);
    return known ?? asked;
  }

  #replace(asked, known) {
    if (asked.stopping && known.running) {
      known.stopping = true;
      this.#send(cancelCommand(known.follow.id));
    }
    this.#remove(asked);
  }

  #accept(turn, id, response) {
    turn.follow = new Follow({ id });
    turn.model = response?.model ?? turn.model;
    if (turn.stopping) this.#send(cancelCommand(id));
    if (!this.id && response?.conversation?.id) {
      this.id = response.conversation.id;
      this.#tell.named(this.id);
    }
    this.#grow();
  }

  /** The server will not take the input that is on its way, however often it is sent. */
  refuseUnaccepted(error) {
    const [turn] = this.unsent;
    if (turn) this.#refuse({ error, stream_id: turn.requestId });
  }

  #refuse({ error, stream_id: streamId }) {
    const turn = this.unsent.find((each) => each.requestId === streamId);
    if (!turn) return false;
    turn.refusal = error;
    this.#tell.refused(turn);
    return true;
  }

  #sendInput(turn) {
    const { input, model, previousId, regenerateOf, requestId } = turn;
    // the same requestId each time: the server answers with the same response, never with a second job
    const command = createCommand({ input, model, previousId, regenerateOf, conversationId: this.id, requestId });
    if (!this.#send(command)) return;
    if (!turn.sent) turn.heardAt = this.#now();
    turn.sent = true;
  }

  #subscribe(turn) {
    if (this.#send(subscribeCommand(turn.follow.id, turn.follow.last))) turn.follow.subscribed();
  }

  #remove(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    this.#tell.removed(turn);
    this.#grow();
  }

  #grow() {
    const path = this.#branches.grow(this.turns);
    const isSame = path.length === this.path.length && path.every((turn, index) => turn === this.path[index]);
    this.path = path;
    if (!isSame) this.#tell.path();
  }
}
