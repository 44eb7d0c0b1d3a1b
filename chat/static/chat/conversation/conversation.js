/**
 * One conversation: the tree of its turns, kept in step with the server.
 *
 * in:  the reader's actions (ask, retry, stop), events of the socket, each opening of the socket, rows fetched from the
 *      server
 * out: commands through `send`; its unaccepted turns in the outbox; changes through `on` (changed, path, refused, named)
 */

import { EVENT, responseIdOf } from "../server/protocol.js";
import { BEHIND, ResponseState } from "./response_state.js";
import { Turn } from "./turn.js";
import { TurnTree } from "./turn_tree.js";

export class Conversation {
  #send;
  #outbox;
  #on;
  #now;

  /** `send(command)` returns whether the command was sent; `now()` is in ms. */
  constructor({ id, responses }, { send, outbox, on, now = Date.now }) {
    this.id = id;
    this.#send = send;
    this.#outbox = outbox;
    this.#on = on;
    this.#now = now;
    this.tree = new TurnTree(
      responses.map((row) => Turn.of(row, now())),
      on.path,
    );
  }

  /** Whether it lacks the response of a change event. One that was asked here is about to be accepted. */
  isMissing({ conversation: { id }, response }) {
    return id === this.id && response && !this.tree.find(response.id) && !this.hasAsked(response);
  }

  /** Whether the response of a change event answers an unaccepted turn of this conversation. */
  hasAsked(response) {
    return this.tree.unsent.some((turn) => turn.requestId === response?.client_request_id);
  }

  /** The server has created this conversation. */
  name(id) {
    this.id = id;
    this.#on.named(id);
  }

  /**
   * Pass the `requestId` of an earlier ask to repeat it: the server creates no second response for it.
   * Pass the `previousId` of a turn to ask in its place, as a sibling.
   */
  ask(input, model, { requestId, previousId = this.tree.lastId, regenerateOf = null } = {}) {
    if (requestId && this.tree.turns.some((turn) => turn.requestId === requestId)) return;
    const turn = new Turn({ input, model, previousId, requestId, regenerateOf }, this.#now());
    turn.ask(this.#send, this.id, this.#now());
    this.#outbox.keep(turn, this.id, this.#now());
    this.tree.add(turn);
  }

  /** Ask the same input again: as a sibling of an accepted turn, in place of a refused one. */
  retry(turn, model) {
    const { input, previousId, regenerateOf, requestId, response } = turn;
    if (response) return this.ask(input, model, { previousId, regenerateOf: response.id });
    this.#remove(turn);
    // the same requestId: if it was accepted after all, no second response is created
    this.ask(input, model, { previousId, regenerateOf, requestId });
  }

  /** Stop the running turn. Returns its input if it was never sent, else null. */
  stop() {
    const turn = this.tree.running;
    if (!turn) return null;
    if (!turn.sent && !turn.response) {
      this.#remove(turn);
      return turn.input;
    }
    turn.stop(this.#send);
    this.#on.changed(turn);
    return null;
  }

  /** A socket has opened: send again what the last one may have lost. */
  resume() {
    for (const turn of this.tree.turns) if (turn.running) turn.resume(this.#send, this.id, this.#now());
  }

  /** Returns whether the event was for this conversation. */
  receive(event) {
    if (event.type === EVENT.error) return this.#refuse(event);
    const turn = this.#turnOf(event);
    if (!turn) return false;
    if (turn.response.apply(event) === BEHIND) turn.subscribe(this.#send);
    turn.touch(this.#now());
    this.#on.changed(turn);
    return true;
  }

  /** Add the fetched rows that are not known yet (another tab or device created them) and subscribe to the running ones. */
  merge(rows) {
    const known = new Map(this.tree.turns.map((turn) => [turn.response?.id, turn]));
    for (const row of rows) known.get(row.id)?.merge(row);
    const added = rows.filter((row) => !known.has(row.id)).map((row) => Turn.of(row, this.#now()));
    for (const turn of added) if (turn.running) turn.subscribe(this.#send);
    this.tree.add(...added);
  }

  /** The turn with this event's response, or the unaccepted one that the event accepts. */
  #turnOf(event) {
    const id = responseIdOf(event);
    const known = this.tree.find(id);
    const asked = id && event.stream_id && this.tree.unsent.find((turn) => turn.requestId === event.stream_id);
    if (!asked) return known;
    if (!known) return this.#accept(asked, id, event.response);
    if (asked.stopping && known.running) known.stop(this.#send); // a fetched row came before the event that accepts it
    this.#remove(asked);
    return known;
  }

  #accept(turn, id, response) {
    turn.response = new ResponseState({ id });
    turn.model = response?.model ?? turn.model;
    this.#outbox.drop(turn.requestId);
    if (turn.stopping) turn.stop(this.#send);
    if (!this.id && response?.conversation?.id) this.name(response.conversation.id);
    this.tree.grow();
    return turn;
  }

  #refuse({ error, stream_id: streamId }) {
    const turn = this.tree.unsent.find((each) => each.requestId === streamId);
    if (!turn) return false;
    turn.refusal = error;
    this.#outbox.drop(turn.requestId);
    this.#on.refused(turn);
    return true;
  }

  #remove(turn) {
    this.#outbox.drop(turn.requestId);
    this.tree.remove(turn);
  }
}
