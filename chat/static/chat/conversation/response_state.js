/**
 * The state of one response, folded from its events in order. Pure: no socket, no DOM, no clock.
 *
 * in:  the events of one response, in any order and number (conversation.js)
 * out: the text and status to show (response_view.js); whether to subscribe again from `last`
 */

import { EVENT, isEnded, STATUS, textsOf } from "../server/protocol.js";

export const APPLIED = "applied";
export const DROPPED = "dropped"; // already applied, or ahead of a replay that is on its way
export const BEHIND = "behind"; // events are missing: subscribe again from `last`

export class ResponseState {
  last = null; // the cursor: sequence number of the last applied event; null = none
  edition = 0; // +1 whenever the text restarts; within one edition it only grows
  snapshots = 0; // +1 with each snapshot: its text was not generated at that moment
  queue = null; // how many responses are ahead in the queue, while that is known
  interruption = null; // why another attempt took over, until its first text
  waiting = null; // { seconds, until }: the model is busy; the worker retries at `until` (Unix seconds)
  #subscribing = false; // a subscribe is unanswered: events ahead of the cursor are expected

  constructor({ id, status, output_text, reasoning_text, error, incomplete_details, usage }) {
    this.id = id;
    this.status = status ?? STATUS.queued;
    this.output = output_text ?? "";
    this.reasoning = reasoning_text ?? "";
    this.error = error ?? null;
    this.reason = incomplete_details?.reason ?? null;
    this.usage = usage ?? null; // the model's own token count, known at the end
  }

  get ended() {
    return isEnded(this.status);
  }

  /** The caller has sent a subscribe with `last`. */
  subscribed() {
    this.#subscribing = true;
  }

  /** Apply one event of this response. Returns APPLIED, DROPPED or BEHIND. */
  apply(event) {
    if (this.ended) return DROPPED;
    if (event.type === EVENT.snapshot) return this.#seek(event);
    if (event.type === EVENT.upToDate) return this.#answered();
    if (event.type === EVENT.heartbeat) return event.latest > (this.last ?? -1) ? BEHIND : APPLIED;
    if (!Number.isInteger(event.sequence_number)) return this.#fold(event);
    return this.#advance(event);
  }

  #advance(event) {
    const next = this.last === null ? 0 : this.last + 1;
    if (event.sequence_number < next) return DROPPED;
    if (event.sequence_number > next) return this.#subscribing ? DROPPED : BEHIND;
    this.last = next;
    this.#subscribing = false;
    this.waiting = event.type === EVENT.waiting ? event : null; // any later event ends the wait
    return this.#fold(event);
  }

  #answered() {
    this.#subscribing = false;
    return APPLIED;
  }

  #seek({ response, waiting, sequence_number: sequenceNumber }) {
    const { output, reasoning } = textsOf(response);
    const continues = output.startsWith(this.output) && reasoning.startsWith(this.reasoning);
    if (continues)
      Object.assign(this, { output, reasoning }); // the text on screen stays
    else this.#restart(output, reasoning);
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
    this.edition += 1;
  }

  #updateStatus(response) {
    this.status = response?.status ?? this.status;
    this.error = response?.error ?? null;
    this.reason = response?.incomplete_details?.reason ?? null;
    this.usage = response?.usage ?? null;
    if (this.status !== STATUS.queued) this.queue = null;
  }

  #fold(event) {
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
        this.#restart();
        this.interruption = event.reason ?? "worker_lost";
        break;
      case EVENT.continued:
        this.interruption = event.reason ?? "worker_lost";
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
