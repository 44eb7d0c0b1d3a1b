/**
 * One turn: an input and, once the server has accepted it, its response.
 *
 * in:  the reader's input, or a row of the page data
 * out: its state for conversation.js (which changes it) and response_view.js (which shows it); its commands, through the
 *      `send(command)` that it is given, which returns whether the command was sent
 */

import { cancelCommand, createCommand, newRequestId, subscribeCommand } from "../server/protocol.js";
import { ResponseState } from "./response_state.js";
import { Timing } from "./timing.js";

const SILENCE_MS = 15_000; // heartbeats come every few seconds, so by then the connection is dead

export class Turn {
  response = null; // null until the server has accepted the input
  refusal = null; // the error of an input that was not accepted
  sent = false; // the input was sent at least once
  stopping = false;

  /** `regenerateOf` is the id of the response whose input is asked again, or null. */
  constructor({ input, model, previousId, requestId = newRequestId(), regenerateOf = null }, now) {
    this.input = input;
    this.model = model;
    this.previousId = previousId;
    this.requestId = requestId;
    this.regenerateOf = regenerateOf;
    this.lastEventAt = now; // ms
    this.timing = new Timing(now);
  }

  static of(row, now) {
    const { input, model, previous_response_id: previousId } = row;
    const turn = new Turn({ input, model, previousId }, now);
    turn.response = new ResponseState(row);
    turn.timing = Timing.of(row, now);
    return turn;
  }

  get running() {
    return !this.refusal && !this.response?.ended;
  }

  /** Whether it runs without an event for too long on a socket that is open since `openedAt` (ms). */
  isSilent(now, openedAt = 0) {
    return this.running && now - Math.max(this.lastEventAt, openedAt) >= SILENCE_MS;
  }

  /** An event has arrived and is applied. */
  touch(now) {
    this.lastEventAt = now;
    this.timing.update(this.response, now);
  }

  /** Take from a fetched row what events do not carry. */
  merge(row) {
    if (!this.response.ended) return;
    this.response.usage ??= row.usage ?? null;
    this.timing.merge(row);
  }

  /** Send the input. The same requestId each time: the server returns the same response and creates no second one. */
  ask(send, conversationId, now) {
    if (!send(createCommand({ ...this, conversationId }))) return;
    if (!this.sent) this.lastEventAt = now;
    this.sent = true;
  }

  /** Subscribe to the events after the last one. */
  subscribe(send) {
    if (send(subscribeCommand(this.response.id, this.response.last))) this.response.subscribed();
  }

  /** Cancel the response; without one yet, once it is accepted. */
  stop(send) {
    this.stopping = true;
    if (this.response) send(cancelCommand(this.response.id));
  }

  /** Send again what the last socket may have lost. */
  resume(send, conversationId, now) {
    if (this.response) this.subscribe(send);
    else this.ask(send, conversationId, now);
    if (this.stopping) this.stop(send);
  }
}
