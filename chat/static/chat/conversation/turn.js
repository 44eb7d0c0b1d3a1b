/** One turn: an input and, once accepted, its response. */

import { cancelCommand, createCommand, newRequestId, subscribeCommand } from "../server/protocol.js";
import { ResponseState } from "./response_state.js";
import { OWN } from "./settings.js";
import { Timing } from "./timing.js";
import { titleOf } from "./title.js";

const SILENCE_MS = 15_000; // heartbeats come every few seconds

export class Turn {
  /** @type {ResponseState | null} */ response = null;
  /** @type {ErrorObject | null} */ refusal = null;
  sent = false;
  /** @type {number | null} */ askAgainAt = null; // ms; a limit refused it
  stopping = false;
  continues = false; // turns follow on the server; none was loaded with it

  /** @param {NewTurn} ask @param {number} now */
  constructor(ask, now) {
    const { input, attachments = [], model, settings = OWN, previousId } = ask;
    const { requestId = newRequestId(), regenerateOf = null } = ask;
    this.settings = settings;
    this.input = input;
    this.attachments = attachments;
    this.model = model;
    this.previousId = previousId;
    this.requestId = requestId;
    this.regenerateOf = regenerateOf;
    this.lastEventAt = now; // ms
    this.timing = new Timing(now);
  }

  /** @param {ResponseRow} row @param {number} now */
  static of(row, now) {
    const { input, attachments, model, settings, previous_response_id: previousId } = row;
    const turn = new Turn({ input, attachments, model, settings, previousId }, now);
    turn.response = new ResponseState(row);
    turn.timing = Timing.of(row, now);
    turn.continues = row.continues ?? false;
    return turn;
  }

  /** The title of a conversation that begins with it. */
  get title() {
    return titleOf(this.input) || titleOf(this.attachments[0]?.name ?? "");
  }

  /** Whether another turn asks the same. @param {Turn} other */
  asksAs({ input, attachments }) {
    const ids = (/** @type {Attachment[]} */ files) => files.map(({ id }) => id).join();
    return input === this.input && ids(attachments) === ids(this.attachments);
  }

  get running() {
    return !this.refusal && !this.response?.ended;
  }

  /**
   * Whether it runs without an event for too long on a socket open since `openedAt` (ms).
   * @param {number} now
   * @param {number | null} openedAt
   */
  isSilent(now, openedAt = 0) {
    return this.running && this.askAgainAt === null && now - Math.max(this.lastEventAt, openedAt ?? 0) >= SILENCE_MS;
  }

  /** An event was applied. @param {number} now */
  touch(now) {
    this.lastEventAt = now;
    if (this.response) this.timing.update(this.response, now);
  }

  /** Take the fields that events lack. @param {ResponseRow} row */
  merge(row) {
    if (!this.response?.ended) return;
    this.response.usage ??= row.usage ?? null;
    this.timing.merge(row);
  }

  /**
   * A repeated requestId creates no second response.
   * @param {Send} send
   * @param {ConversationId} conversationId
   * @param {number} now
   */
  ask(send, conversationId, now) {
    if (!send(createCommand({ ...this, conversationId }))) return;
    if (!this.sent) this.lastEventAt = now;
    this.sent = true;
    this.askAgainAt = null;
  }

  /** A limit refused it for some seconds. @param {number} seconds @param {number} now */
  postpone(seconds, now) {
    this.sent = false;
    this.askAgainAt = now + seconds * 1000;
    this.lastEventAt = now;
  }

  /** Subscribe after the last event. @param {Send} send */
  subscribe(send) {
    const { response } = this;
    if (!response || !send(subscribeCommand(response.id, response.last))) return;
    response.subscribed();
    if (response.last !== null) this.timing.miss();
  }

  /** Cancel the response, now or once accepted. @param {Send} send */
  stop(send) {
    this.stopping = true;
    if (this.response) send(cancelCommand(this.response.id));
  }

  /**
   * Repeat commands that the last socket may have lost.
   * @param {Send} send
   * @param {ConversationId} conversationId
   * @param {number} now
   */
  resume(send, conversationId, now) {
    if (this.response) this.subscribe(send);
    else this.ask(send, conversationId, now);
    if (this.stopping) this.stop(send);
  }
}
