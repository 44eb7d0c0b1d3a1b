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
  /** @type {number | null} */ lostFor = null; // from the start until another worker took over, if live
  /** @type {number | null} */ endedAt = null;
  /** @type {[at: number, characters: number][]} */ #samples = []; // oldest first
  #jumps = 0;
  #losses = 0;
  #length = 0;
  #live = true; // by this page's clock: rows add nothing
  #seesAll = true; // no event may have been missed
  #knowsReasoning = false; // when it began
  #knowsText = false;

  /** @param {number} now */
  constructor(now) {
    this.askedAt = now;
  }

  /**
   * An ended row is timed by the server's clock, a running one by this page's: clocks differ, so each time is a
   * difference on one of them.
   * @param {ResponseRow} row
   * @param {number} now when it was received
   */
  static of(row, now) {
    const age = ms(row.age ?? null);
    if (age !== null) return Timing.#ofRunning(row, now - age);
    const timing = new Timing(ms(row.created_at) ?? now);
    timing.#live = false;
    timing.merge(row);
    return timing;
  }

  /** @param {ResponseRow} row @param {number} askedAt */
  static #ofRunning({ created_at: created, started_at: started, losses = 0 }, askedAt) {
    const timing = new Timing(askedAt);
    timing.#losses = losses;
    if (started !== null) timing.startedAt = askedAt + (started - created) * 1000;
    return timing;
  }

  /** @param {ResponseRow} row */
  merge({ started_at: started, first_token_at: first, ended_at: ended }) {
    if (this.#live) return;
    this.startedAt = ms(started);
    this.firstAt = ms(first);
    this.endedAt = ms(ended);
  }

  /** Events may come late from now on: text that begins then has an unknown time. */
  miss() {
    this.#seesAll = false;
  }

  /** @param {ResponseState} response @param {number} now */
  update({ status, output, reasoning, edition, snapshots, losses, ended }, now) {
    const jumps = edition + snapshots;
    const isLive = jumps === this.#jumps && this.#seesAll;
    if (losses > this.#losses && this.#seesAll && this.startedAt !== null) this.lostFor = now - this.startedAt;
    this.#losses = losses;
    if (jumps !== this.#jumps) this.#samples = []; // the text was generated earlier
    this.#jumps = jumps;
    if (status !== "queued") this.startedAt ??= now;
    if (reasoning && this.reasoningAt === null) [this.reasoningAt, this.#knowsReasoning] = [now, isLive];
    if (output && this.firstAt === null) [this.firstAt, this.#knowsText] = [now, isLive];
    if (ended) this.endedAt ??= now;
    this.#grow(output.length + reasoning.length, now);
  }

  /** Estimated tokens per second; null while there are too few samples, or in a pause. @param {number} now */
  speed(now) {
    if (now - (this.grewAt ?? now) > WINDOW_MS) return null;
    const [first, last] = [this.#samples.at(0), this.#samples.at(-1)];
    if (!first || !last || first === last) return null;
    const [[from, before], [, after]] = [first, last];
    return now - from < SAMPLE_MS ? null : ((after - before) / CHARS_PER_TOKEN / (now - from)) * 1000;
  }

  /** From the question to the first text or reasoning; null if unknown. */
  get untilFirst() {
    if (this.firstAt === null) return null;
    const reasoned = this.reasoningAt !== null && this.reasoningAt <= this.firstAt;
    if (!(reasoned ? this.#knowsReasoning : this.#knowsText)) return null;
    return Math.max(0, Math.min(this.reasoningAt ?? this.firstAt, this.firstAt) - this.askedAt);
  }

  /** From the first reasoning to the text or now; null if unknown. @param {number} now */
  reasoning(now) {
    if (this.reasoningAt === null || !this.#knowsReasoning) return null;
    if (this.firstAt !== null && !this.#knowsText) return null;
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
