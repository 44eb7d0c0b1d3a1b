/** One conversation: the tree of its turns, kept in step with the server. */

import { EVENT, responseIdOf } from "../server/protocol.js";
import { BEHIND, ResponseState } from "./response_state.js";
import { Turn } from "./turn.js";
import { TurnTree } from "./turn_tree.js";

export class Conversation {
  #send;
  #outbox;
  #on;
  #now;

  /** @param {ConversationData} data @param {ConversationParts} parts */
  constructor({ id, responses, at }, { send, outbox, on, now = Date.now }) {
    this.id = id;
    this.#send = send;
    this.#outbox = outbox;
    this.#on = on;
    this.#now = now;
    this.tree = new TurnTree(
      responses.map((row) => Turn.of(row, at ?? now())),
      on.path,
    );
  }

  /** Whether it lacks the response of a change event and did not ask for it. @param {ChangeOfResponse} event */
  isMissing({ conversation: { id }, response }) {
    return id === this.id && response && !this.tree.find(response.id) && !this.hasAsked(response);
  }

  /** Whether an unaccepted turn asked for this response. @param {ChangeOfResponse["response"]} response */
  hasAsked(response) {
    return this.tree.unsent.some((turn) => turn.requestId === response?.client_request_id);
  }

  /** The server has created this conversation. @param {string} id */
  name(id) {
    this.id = id;
    this.#on.named(id);
  }

  /**
   * An earlier `requestId` creates no second response; the `previousId` of a turn makes a sibling.
   * @param {string} input
   * @param {string} model
   * @param {Partial<Ask>} options
   */
  ask(input, model, { requestId, previousId = this.tree.lastId, regenerateOf = null, attachments, settings } = {}) {
    if (requestId && this.tree.turns.some((turn) => turn.requestId === requestId)) return;
    const turn = new Turn({ input, attachments, model, settings, previousId, requestId, regenerateOf }, this.#now());
    turn.ask(this.#send, this.id, this.#now());
    this.#outbox.keep(turn, this.id, this.#now());
    this.tree.add(turn);
  }

  /** Ask again: as a sibling of an accepted turn, in place of a refused one. @param {Turn} turn @param {string} model @param {Settings} [settings] */
  retry(turn, model, settings) {
    const { input, attachments, previousId, regenerateOf, requestId, response } = turn;
    if (response) return this.ask(input, model, { previousId, attachments, settings, regenerateOf: response.id });
    this.#remove(turn);
    // the same requestId: it may have been accepted
    this.ask(input, model, { previousId, attachments, settings, regenerateOf, requestId });
  }

  /** Returns the running turn if it was never sent, else null. */
  stop() {
    const turn = this.tree.running;
    if (!turn) return null;
    if (!turn.sent && !turn.response) {
      this.#remove(turn);
      return turn;
    }
    turn.stop(this.#send);
    this.#on.changed(turn);
    return null;
  }

  resume() {
    for (const turn of this.tree.turns) if (turn.running) turn.resume(this.#send, this.id, this.#now());
  }

  /** Ask again what a limit refused, when it is time. */
  tick() {
    const now = this.#now();
    for (const turn of this.tree.unsent)
      if (turn.askAgainAt !== null && turn.askAgainAt <= now) turn.ask(this.#send, this.id, now);
  }

  /** Returns whether the event belongs to this conversation. @param {ReplyEvent} event */
  receive(event) {
    if (event.type === EVENT.error) return this.#refuse(event);
    const turn = this.#turnOf(event);
    if (!turn?.response) return false;
    if (turn.response.apply(event) === BEHIND) turn.subscribe(this.#send);
    turn.touch(this.#now());
    this.#on.changed(turn);
    return true;
  }

  /** Add the rows of other tabs and devices; subscribe to running ones. @param {ResponseRow[]} rows */
  merge(rows) {
    const known = new Map(this.tree.turns.map((turn) => [turn.response?.id, turn]));
    for (const row of rows) known.get(row.id)?.merge(row);
    const added = rows.filter((row) => !known.has(row.id)).map((row) => Turn.of(row, this.#now()));
    for (const turn of added) if (turn.running) turn.subscribe(this.#send);
    this.tree.add(...added);
  }

  /** The turn of this response, or the one that the event accepts. @param {ResponseEvent} event */
  #turnOf(event) {
    const id = responseIdOf(event);
    const known = this.tree.find(id);
    const asked = id && event.stream_id && this.tree.unsent.find((turn) => turn.requestId === event.stream_id);
    if (!asked) return known;
    if (!known) return this.#accept(asked, id, "response" in event ? event.response : null);
    if (asked.stopping && known.running) known.stop(this.#send); // its row was fetched before this event
    this.#remove(asked);
    this.#on.accepted(known);
    return known;
  }

  /** @param {Turn} turn @param {string} id @param {ResponseObject | null} response */
  #accept(turn, id, response) {
    turn.response = new ResponseState({ id });
    turn.model = response?.model ?? turn.model;
    this.#outbox.drop(turn.requestId);
    if (turn.stopping) turn.stop(this.#send);
    if (!this.id && response?.conversation?.id) this.name(response.conversation.id);
    this.tree.grow();
    this.#on.accepted(turn);
    return turn;
  }

  /** @param {RefusalEvent} event */
  #refuse({ error, stream_id: streamId, retry_after: seconds }) {
    const turn = this.tree.unsent.find((each) => each.requestId === streamId);
    if (!turn) return false;
    if (seconds) {
      turn.postpone(seconds, this.#now());
      this.#on.changed(turn);
      return true;
    }
    turn.refusal = error;
    this.#outbox.drop(turn.requestId);
    this.#on.refused(turn);
    return true;
  }

  /** @param {Turn} turn */
  #remove(turn) {
    this.#outbox.drop(turn.requestId);
    this.tree.remove(turn);
  }
}
