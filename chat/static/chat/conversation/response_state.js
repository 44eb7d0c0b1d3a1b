/** The state of one response, folded from its events. Pure. */

import { EVENT, hasRefusal, isEnded, isText, othersOf, STATUS, textsOf } from "../server/protocol.js";

export const APPLIED = "applied";
export const DROPPED = "dropped"; // already applied, or ahead of an awaited replay
export const BEHIND = "behind"; // events are missing: subscribe from `last`

const LOST = "worker_lost";

export class ResponseState {
  /** @type {number | null} */ last = null; // the cursor: sequence number of the last applied event
  edition = 0; // +1 when the text restarts; within one edition it only grows
  snapshots = 0; // +1 with each: their text was generated earlier
  /** @type {number | null} */ queue = null; // responses ahead, while known
  /** @type {string | null} */ interruption = null; // why a new attempt runs, until its first text
  /** @type {Wait | null} */ waiting = null;
  #subscribing = false; // awaiting a replay: events ahead of the cursor are expected

  /** @param {{ id: string } & Partial<ResponseRow>} row */
  constructor({ id, status, output, error, incomplete_details, usage, omitted_turns, losses, added }) {
    this.id = id;
    this.status = status ?? STATUS.queued;
    const texts = textsOf(output);
    this.output = texts.output;
    this.reasoning = texts.reasoning;
    this.refused = hasRefusal(output); // the text is, or ends with, a refusal
    this.others = othersOf(output); // items that are not text
    this.error = error ?? null;
    this.reason = incomplete_details?.reason ?? null;
    this.usage = usage ?? null;
    this.losses = losses ?? 0; // of workers
    this.added = added ?? false; // by a program: no model has answered
    this.omittedTurns = omitted_turns ?? 0; // oldest ones, which did not fit into the model's context
  }

  get ended() {
    return isEnded(this.status);
  }

  /** The caller has subscribed from `last`. */
  subscribed() {
    this.#subscribing = true;
  }

  /** Apply an event, in any order. Returns APPLIED, DROPPED or BEHIND. @param {ResponseEvent} event */
  apply(event) {
    if (this.ended) return DROPPED;
    if (event.type === EVENT.snapshot) return this.#seek(event);
    if (event.type === EVENT.upToDate) return this.#answered();
    if (event.type === EVENT.heartbeat) return event.latest > (this.last ?? -1) ? BEHIND : APPLIED;
    if (event.sequence_number === undefined) return this.#fold(event);
    return this.#advance(event);
  }

  /** @param {LoggedEvent} event */
  #advance(event) {
    const next = this.last === null ? 0 : this.last + 1;
    if (event.sequence_number < next) return DROPPED;
    if (event.sequence_number > next) return this.#subscribing ? DROPPED : BEHIND;
    this.last = next;
    this.#subscribing = false;
    this.waiting = event.type === EVENT.waiting ? event : null; // a later event ends the wait
    return this.#fold(event);
  }

  #answered() {
    this.#subscribing = false;
    return APPLIED;
  }

  /** @param {SnapshotEvent} event */
  #seek({ response, waiting, sequence_number: sequenceNumber }) {
    const { output, reasoning } = textsOf(response.output);
    const continues = output.startsWith(this.output) && reasoning.startsWith(this.reasoning);
    if (continues)
      Object.assign(this, { output, reasoning }); // the text on screen stays
    else this.#restart(output, reasoning);
    this.refused = hasRefusal(response.output);
    this.others = othersOf(response.output);
    this.snapshots += 1;
    this.interruption = null;
    this.last = sequenceNumber;
    this.waiting = waiting ?? null;
    this.#updateStatus(response);
    return this.#answered();
  }

  #restart(output = "", reasoning = "") {
    this.output = output;
    this.reasoning = reasoning;
    this.refused = false;
    this.others = [];
    this.edition += 1;
  }

  /** Another attempt begins. @param {AttemptEvent} event */
  #interrupt({ reason = LOST }) {
    this.interruption = reason;
    if (reason === LOST) this.losses += 1;
  }

  /** @param {ItemEvent} event */
  #add({ item }) {
    if (isText(item)) return;
    this.others = [...this.others, item];
    this.interruption = null;
  }

  /** @param {DeltaEvent} event */
  #grow({ item_id: id, delta }) {
    this.others = this.others.map((item) =>
      item.id === id ? { ...item, arguments: (item.arguments ?? "") + delta } : item,
    );
  }

  /** @param {ResponseObject} response */
  #updateStatus(response) {
    this.status = response.status ?? this.status;
    this.error = response.error ?? null;
    this.reason = response.incomplete_details?.reason ?? null;
    this.usage = response.usage ?? null;
    this.omittedTurns = response.tailrace?.omitted_turns ?? 0;
    if (this.status !== STATUS.queued) this.queue = null;
  }

  /** @param {ResponseEvent} event */
  #fold(event) {
    switch (event.type) {
      case EVENT.itemAdded:
        this.#add(event);
        break;
      case EVENT.callDelta:
        this.#grow(event);
        break;
      case EVENT.textDelta:
      case EVENT.refusalDelta:
        this.refused ||= event.type === EVENT.refusalDelta;
        this.output += event.delta;
        this.interruption = null;
        break;
      case EVENT.reasoningDelta:
        this.reasoning += event.delta;
        this.interruption = null;
        break;
      case EVENT.restarted:
        this.#restart();
        this.omittedTurns = event.omitted_turns ?? 0;
        this.#interrupt(event);
        break;
      case EVENT.continued:
        this.#interrupt(event);
        break;
      case EVENT.queue:
        this.queue = event.position;
        break;
      case EVENT.created:
      case EVENT.queued:
      case EVENT.inProgress:
      case EVENT.completed:
      case EVENT.incomplete:
      case EVENT.failed:
        this.#updateStatus(event.response);
        break;
    }
    return APPLIED;
  }
}
