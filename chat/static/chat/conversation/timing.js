/** The stages of a response and the speed of its text. Pure; times in ms. */

const WINDOW_MS = 3_000; // the speed covers this time
const SAMPLE_MS = 250;
const CHARS_PER_TOKEN = 4; // the usual estimate; the exact count comes with the end

/** @param {number | null} seconds */
const ms = (seconds) => (typeof seconds === "number" ? seconds * 1000 : null);

export class Timing {
  askedAt;
  /** @type {number | null} */ startedAt = null; // claimed by a worker
  /** @type {number | null} */ reasoningAt = null; // first reasoning, if live
  /** @type {number | null} */ firstAt = null; // first text, if live
  /** @type {number | null} */ grewAt = null; // last text or reasoning, if live
  /** @type {number | null} */ endedAt = null;
  /** @type {[at: number, characters: number][]} */ #samples = []; // oldest first
  #jumps = 0;
  #length = 0;
  #live = true; // observed from its start: rows add nothing

  /** @param {number} now */
  constructor(now) {
    this.askedAt = now;
  }

  /** The server's clock: only differences are used. @param {ResponseRow} row @param {number} now */
  static of(row, now) {
    const timing = new Timing(ms(row.created_at) ?? now);
    timing.#live = false;
    timing.merge(row);
    return timing;
  }

  /** @param {ResponseRow} row */
  merge({ started_at: started, first_token_at: first, ended_at: ended }) {
    if (this.#live) return;
    this.startedAt = ms(started);
    this.firstAt = ms(first);
    this.endedAt = ms(ended);
  }

  /** @param {ResponseState} response @param {number} now */
  update({ status, output, reasoning, edition, snapshots, ended }, now) {
    const jumps = edition + snapshots;
    if (jumps !== this.#jumps) this.#samples = []; // the text was generated earlier
    this.#jumps = jumps;
    if (status !== "queued") this.startedAt ??= now;
    if (reasoning) this.reasoningAt ??= now;
    if (output) this.firstAt ??= now;
    if (ended) this.endedAt ??= now;
    this.#grow(output.length + reasoning.length, now);
  }

  /** Estimated tokens per second; null while there are too few samples. @param {number} now */
  speed(now) {
    const [first, last] = [this.#samples.at(0), this.#samples.at(-1)];
    if (!first || !last || first === last) return null;
    const [[from, before], [, after]] = [first, last];
    return now - from < SAMPLE_MS ? null : ((after - before) / CHARS_PER_TOKEN / (now - from)) * 1000;
  }

  /** From the question to the first text or reasoning; null if unknown. */
  get untilFirst() {
    if (this.firstAt === null) return null;
    return Math.max(0, Math.min(this.reasoningAt ?? this.firstAt, this.firstAt) - this.askedAt);
  }

  /** From the first reasoning to the text or now; null if unknown. @param {number} now */
  reasoning(now) {
    if (this.reasoningAt === null) return null;
    return Math.max(0, (this.firstAt ?? this.endedAt ?? now) - this.reasoningAt);
  }

  /** From the claim by a worker to the end; null if unknown. */
  get took() {
    if (this.startedAt === null || this.endedAt === null) return null;
    return Math.max(0, this.endedAt - this.startedAt);
  }

  /** @param {number} characters @param {number} now */
  #grow(characters, now) {
    if (characters !== this.#length || this.grewAt === null) this.grewAt = now;
    this.#length = characters;
    const last = this.#samples.at(-1);
    if (!characters || (last && now - last[0] < SAMPLE_MS)) return;
    this.#samples.push([now, characters]);
    while (this.#samples.length > 2 && now - this.#samples[0][0] > WINDOW_MS) this.#samples.shift();
  }
}
