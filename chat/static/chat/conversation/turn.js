/**
 * One turn: an input and, once the server has accepted it, the response that is followed. Pure.
 *
 * in:  what the reader asked, or a row of the page data
 * out: its state for conversation.js (which changes it) and response_view.js (which shows it)
 */

import { Follow } from "./follow.js";
import { Pace } from "./timing.js";
import { newRequestId } from "../server/protocol.js";

export const SILENCE_MS = 15_000; // the server is heard every few seconds, so by then something is lost

export class Turn {
  follow = null; // null until the server has accepted the input
  refusal = null; // the error of an input that was not accepted
  sent = false; // the input has left this page at least once
  stopping = false;

  /** `regenerateOf` is the id of the response whose input is asked again, or null. */
  constructor({ input, model, previousId, requestId = newRequestId(), regenerateOf = null }, now) {
    this.input = input;
    this.model = model;
    this.previousId = previousId;
    this.requestId = requestId;
    this.regenerateOf = regenerateOf;
    this.heardAt = now; // when anything last arrived for this turn, in ms
    this.pace = new Pace(now);
  }

  static of(row, now) {
    const { input, model, previous_response_id: previousId } = row;
    const turn = new Turn({ input, model, previousId }, now);
    turn.follow = new Follow(row);
    turn.pace = Pace.of(row, now);
    return turn;
  }

  get running() {
    return !this.refusal && !this.follow?.ended;
  }

  /** Something arrived for it. */
  hear(now) {
    this.heardAt = now;
    this.pace.hear(this.follow, now);
  }

  /** A row of the database about a turn that is known: what the events do not tell. */
  recall(row) {
    if (!this.follow.ended) return;
    this.follow.usage ??= row.usage ?? null;
    this.pace.recall(row);
  }

  /** It runs, and nothing was heard of it for too long on a socket that is open since `openedAt` (ms). */
  isSilent(now, openedAt = 0) {
    return this.running && now - Math.max(this.heardAt, openedAt) >= SILENCE_MS;
  }
}
