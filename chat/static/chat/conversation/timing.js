/**
 * When the stages of a response began and ended, and how fast its text comes. Pure; times in ms.
 *
 * in:  the response's state whenever it changes, or the times of its row
 * out: durations of the stages and tokens per second, for stats.js and status_text.js
 */

const WINDOW_MS = 3_000; // the speed is that of the last seconds
const SAMPLE_MS = 250;
const CHARS_PER_TOKEN = 4; // the usual estimate: the server's own count comes with the end

const ms = (seconds) => (typeof seconds === "number" ? seconds * 1000 : null);

export class Timing {
  askedAt;
  startedAt = null; // a worker claimed it
  reasoningAt = null; // the first reasoning, if it arrived live
  firstAt = null; // the first text, if it arrived live
  grewAt = null; // the last text of either kind, if it arrived live
  endedAt = null;
  #samples = []; // [time, characters], oldest first
  #jumps = 0;
  #length = 0;
  #live = true; // observed here from its start: a row's times add nothing

  constructor(now) {
    this.askedAt = now;
  }

  /** A row has the times of the server's clock: only their differences are used. */
  static of(row, now) {
    const timing = new Timing(ms(row.created_at) ?? now);
    timing.#live = false;
    timing.merge(row);
    return timing;
  }

  merge({ started_at: started, first_token_at: first, ended_at: ended }) {
    if (this.#live) return;
    this.startedAt = ms(started);
    this.firstAt = ms(first);
    this.endedAt = ms(ended);
  }

  update({ status, output, reasoning, edition, snapshots, ended }, now) {
    const jumps = edition + snapshots;
    if (jumps !== this.#jumps) this.#samples = []; // that text was not generated at this moment
    this.#jumps = jumps;
    if (status !== "queued") this.startedAt ??= now;
    if (reasoning) this.reasoningAt ??= now;
    if (output) this.firstAt ??= now;
    if (ended) this.endedAt ??= now;
    this.#grow(output.length + reasoning.length, now);
  }

  /** Estimated tokens per second; null while there are too few samples. */
  speed(now) {
    if (this.#samples.length < 2) return null;
    const [[from, before], [, after]] = [this.#samples[0], this.#samples.at(-1)];
    return now - from < SAMPLE_MS ? null : ((after - before) / CHARS_PER_TOKEN / (now - from)) * 1000;
  }

  /** From the question to the first text of either kind; null if unknown. */
  get untilFirst() {
    if (this.firstAt === null) return null;
    return Math.max(0, Math.min(this.reasoningAt ?? this.firstAt, this.firstAt) - this.askedAt);
  }

  /** How long the reasoning took, so far or up to the text; null if unknown. */
  reasoning(now) {
    if (this.reasoningAt === null) return null;
    return Math.max(0, (this.firstAt ?? this.endedAt ?? now) - this.reasoningAt);
  }

  /** From the claim by a worker to the end; null if unknown. */
  get took() {
    if (this.startedAt === null || this.endedAt === null) return null;
    return Math.max(0, this.endedAt - this.startedAt);
  }

  #grow(characters, now) {
    if (characters !== this.#length || this.grewAt === null) this.grewAt = now;
    this.#length = characters;
    const last = this.#samples.at(-1);
    if (!characters || (last && now - last[0] < SAMPLE_MS)) return;
    this.#samples.push([now, characters]);
    while (this.#samples.length > 2 && now - this.#samples[0][0] > WINDOW_MS) this.#samples.shift();
  }
}
