/**
 * The state of one conversation: its tree of turns, the visible path, and the commands that its turns need.
 *
 * in:  the reader's actions (ask, retry, regenerate, edit, choose, stop), events of the socket, each opening of the
 *      socket, rows fetched from the server
 * out: commands through `send`; changes through `on` (added, removed, changed, path, refused, named)
 */

import { Branches } from "./branches.js";
import { BEHIND, ResponseState } from "./response_state.js";
import { EVENT, cancelCommand, createCommand, responseIdOf, subscribeCommand } from "../server/protocol.js";
import { Turn } from "./turn.js";

export class Conversation {
  turns = []; // of the whole tree
  path = []; // the visible ones, oldest first
  #branches = new Branches();
  #send;
  #on;
  #now;

  /** `send(command)` returns whether the command was sent; `now()` is in ms. */
  constructor({ id, responses }, { send, on, now = Date.now }) {
    this.id = id;
    this.#send = send;
    this.#on = on;
    this.#now = now;
    this.turns = responses.map((row) => Turn.of(row, now()));
    this.path = this.#branches.grow(this.turns);
  }

  /** The running turn of the visible path, or null. */
  get running() {
    return this.path.findLast((turn) => turn.running) ?? null;
  }

  /** The turns that the server has not accepted yet. */
  get unsent() {
    return this.turns.filter((turn) => turn.running && !turn.response);
  }

  get #lastId() {
    return this.path.findLast((turn) => turn.response)?.response.id ?? null;
  }

  /** The siblings of a turn, oldest first, itself included. */
  siblings(turn) {
    return this.#branches.siblings(turn);
  }

  /** Pass the `requestId` of an earlier ask to repeat it: the server creates no second response for it. */
  ask(input, model, { requestId, previousId = this.#lastId, regenerateOf = null } = {}) {
    if (requestId && this.turns.some((turn) => turn.requestId === requestId)) return;
    const turn = new Turn({ input, model, previousId, requestId, regenerateOf }, this.#now());
    this.turns.push(turn);
    this.#branches.forget(previousId);
    this.#sendInput(turn);
    this.#on.added(turn);
    this.#grow();
  }

  /** Ask the same input again: as a sibling of a failed turn, in place of a refused one. */
  retry(turn, model) {
    if (turn.response) return this.regenerate(turn, model);
    this.#remove(turn);
    const { input, previousId, regenerateOf, requestId } = turn;
    // the same requestId: if it was accepted after all, no second response is created
    this.ask(input, model, { previousId, regenerateOf, requestId });
  }

  /** Ask for another response to the same input, as a sibling. */
  regenerate({ input, previousId, response }, model) {
    this.ask(input, model, { previousId, regenerateOf: response.id });
  }

  /** Ask another input in the same place, as a sibling. */
  edit({ previousId }, input, model) {
    this.ask(input, model, { previousId });
  }

  /** Show this sibling and the path below it. */
  choose(turn) {
    this.#branches.choose(turn);
    this.#grow();
  }

  /** Stop the running turn. Returns its input if it was never sent, else null. */
  stop() {
    const turn = this.running;
    if (!turn) return null;
    if (!turn.sent && !turn.response) {
      this.#remove(turn);
      return turn.input;
    }
    turn.stopping = true;
    if (turn.response) this.#send(cancelCommand(turn.response.id));
    this.#on.changed(turn);
    return null;
  }

  /** A socket has opened: send again what the last one may have lost. */
  resume() {
    for (const turn of this.turns.filter((each) => each.running)) {
      if (!turn.response) this.#sendInput(turn);
      else this.#subscribe(turn);
      if (turn.response && turn.stopping) this.#send(cancelCommand(turn.response.id));
    }
  }

  /** Returns whether the event was for this conversation. */
  receive(event) {
    if (event.type === EVENT.error) return this.#refuse(event);
    const turn = this.#turnOf(event);
    if (!turn) return false;
    if (turn.response.apply(event) === BEHIND) this.#subscribe(turn);
    turn.touch(this.#now());
    this.#on.changed(turn);
    return true;
  }

  /** Add the fetched rows that are not known yet (another tab or device created them) and subscribe to the running ones. */
  merge(rows) {
    const known = new Map(this.turns.map((turn) => [turn.response?.id, turn]));
    for (const row of rows) {
      const turn = known.get(row.id);
      if (turn) turn.merge(row);
      else this.#addFromElsewhere(Turn.of(row, this.#now()));
    }
    this.#grow();
  }

  #addFromElsewhere(turn) {
    this.turns.push(turn);
    if (turn.running) this.#subscribe(turn);
    this.#on.added(turn);
  }

  #turnOf(event) {
    const id = responseIdOf(event);
    const known = this.turns.findLast((turn) => turn.response && turn.response.id === id);
    const asked = id && event.stream_id && this.unsent.find((turn) => turn.requestId === event.stream_id);
    if (!asked) return known ?? null;
    if (known) this.#replace(asked, known); // a fetched row came before the event that accepts it
    else this.#accept(asked, id, event.response);
    return known ?? asked;
  }

  #replace(asked, known) {
    if (asked.stopping && known.running) {
      known.stopping = true;
      this.#send(cancelCommand(known.response.id));
    }
    this.#remove(asked);
  }

  #accept(turn, id, response) {
    turn.response = new ResponseState({ id });
    turn.model = response?.model ?? turn.model;
    if (turn.stopping) this.#send(cancelCommand(id));
    if (!this.id && response?.conversation?.id) {
      this.id = response.conversation.id;
      this.#on.named(this.id);
    }
    this.#grow();
  }

  /** The server rejects the frame that was just sent, and would reject it again. */
  refuseUnaccepted(error) {
    const [turn] = this.unsent;
    if (turn) this.#refuse({ error, stream_id: turn.requestId });
  }

  #refuse({ error, stream_id: streamId }) {
    const turn = this.unsent.find((each) => each.requestId === streamId);
    if (!turn) return false;
    turn.refusal = error;
    this.#on.refused(turn);
    return true;
  }

  #sendInput(turn) {
    const { input, model, previousId, regenerateOf, requestId } = turn;
    // the same requestId each time: the server returns the same response and creates no second one
    const command = createCommand({ input, model, previousId, regenerateOf, conversationId: this.id, requestId });
    if (!this.#send(command)) return;
    if (!turn.sent) turn.lastEventAt = this.#now();
    turn.sent = true;
  }

  #subscribe({ response }) {
    if (this.#send(subscribeCommand(response.id, response.last))) response.subscribed();
  }

  #remove(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    this.#on.removed(turn);
    this.#grow();
  }

  #grow() {
    const path = this.#branches.grow(this.turns);
    const isSame = path.length === this.path.length && path.every((turn, index) => turn === this.path[index]);
    this.path = path;
    if (!isSame) this.#on.path();
  }
}
