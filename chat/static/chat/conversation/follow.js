/**
 * Follows one response: puts its events in order and keeps the text they add up to. Pure: no socket, no DOM, no clock.
 *
 * in:  the events of one response, in whatever order and number they arrive (conversation.js)
 * out: the text and the status to show (response_view.js), and a verdict: whether to subscribe again from `last`
 */

import { EVENT, STATUS, isEnded, textsOf } from "../server/protocol.js";

export const APPLIED = "applied";
export const DROPPED = "dropped"; // already known, or ahead of a replay that is on its way
export const BEHIND = "behind"; // something is missing: subscribe again with the cursor

export class Follow {
  last = null; // sequence number of the last applied event; null = no cursor
  edition = 0; // +1 whenever the text starts again; within one edition it only grows
  snapshots = 0; // +1 whenever text came that nobody wrote in that moment
  attempt = 1;
  queue = null; // how many responses are before it, while it waits for a worker and that is known
  interruption = null; // the reason why another attempt took over, until its first text
  waiting = null; // { seconds, until }: the model is busy and is asked again at `until` (Unix seconds)
  #asked = false; // a subscribe is unanswered: events ahead of the cursor are expected

  constructor({ id, status, output_text, reasoning_text, error, incomplete_details, usage }) {
    this.id = id;
    this.status = status ?? STATUS.queued;
    this.output = output_text ?? "";
    this.reasoning = reasoning_text ?? "";
    this.error = error ?? null;
    this.reason = incomplete_details?.reason ?? null;
    this.usage = usage ?? null; // the model's own count of tokens, told at the end
  }

  get ended() {
    return isEnded(this.status);
  }

  /** The caller has sent a subscribe with `last`. */
  subscribed() {
    this.#asked = true;
  }

  /** Take one event of this response; returns APPLIED, DROPPED or BEHIND. */
  apply(event) {
    if (this.ended) return DROPPED;
    if (event.type === EVENT.snapshot) return this.#replace(event);
    if (event.type === EVENT.upToDate) return this.#answered();
    if (event.type === EVENT.heartbeat) return event.latest > (this.last ?? -1) ? BEHIND : APPLIED;
    if (!Number.isInteger(event.sequence_number)) return this.#read(event);
    return this.#inOrder(event);
  }

  #inOrder(event) {
    const next = this.last === null ? 0 : this.last + 1;
    if (event.sequence_number < next) return DROPPED;
    if (event.sequence_number > next) return this.#asked ? DROPPED : BEHIND;
    this.last = next;
    this.#asked = false;
    this.waiting = event.type === EVENT.waiting ? event : null; // whatever comes next, the wait is over
    return this.#read(event);
  }

  #answered() {
    this.#asked = false;
    return APPLIED;
  }

  #replace({ response, waiting, sequence_number: sequenceNumber }) {
    const { output, reasoning } = textsOf(response);
    const goesOn = output.startsWith(this.output) && reasoning.startsWith(this.reasoning);
    if (goesOn) Object.assign(this, { output, reasoning }); // what stands on screen stays there
    else this.#startAgain(output, reasoning);
    this.snapshots += 1;
    this.interruption = null;
    this.last = sequenceNumber;
    this.waiting = waiting ?? null;
    this.#takeStanding(response);
    return this.#answered();
  }

  #startAgain(output = "", reasoning = "") {
    this.output = output;
    this.reasoning = reasoning;
    this.edition += 1;
  }

  #takeStanding(response) {
    this.status = response?.status ?? this.status;
    this.error = response?.error ?? null;
    this.reason = response?.incomplete_details?.reason ?? null;
    this.usage = response?.usage ?? null;
    if (this.status !== STATUS.queued) this.queue = null;
  }

  #interrupt({ attempt, reason }) {
    this.attempt = attempt ?? this.attempt + 1;
    this.interruption = reason ?? "worker_lost";
  }

  #read(event) {
    switch (event.type) {
      case EVENT.textDelta:
        this.output += event.delta;
        this.interruption = null;
        break;
      case EVENT.reasoningDelta:
        this.reasoning += event.delta;
        this.interruption = null;
        break;
      case EVENT.restarted:
        this.#startAgain();
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
        this.#takeStanding(event.response);
        break;
    }
    return APPLIED;
  }
}
