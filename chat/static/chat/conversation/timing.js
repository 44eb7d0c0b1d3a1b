/**
 * How fast an answer came: what the live line tells while it runs, and the quiet line after it. Pure; times in ms.
 *
 * in:  the time at which something was heard of a response, or the times of its row
 * out: times between its stages, tokens per second
 */

const WINDOW_MS = 3_000; // the speed is that of the last seconds
const SAMPLE_MS = 250;
const CHARS_PER_TOKEN = 4; // the usual estimate: the server counts the tokens, but tells only at the end

const ms = (seconds) => (typeof seconds === "number" ? seconds * 1000 : null);

export class Pace {
  askedAt;
  startedAt = null; // a worker has it
  thoughtAt = null; // the reasoning began, while somebody was looking
  firstAt = null; // the text began, while somebody was looking
  grewAt = null; // anything was written, as far as was seen
  endedAt = null;
  #samples = []; // [time, characters], oldest first
  #jump = 0;
  #length = 0;
  #seen = false; // it was heard here from its begin on, so that its own times are known

  constructor(now) {
    this.askedAt = now;
    this.#seen = true;
  }

  /** The times of a row are those of the server's clock: only their differences are told. */
  static of(row, now) {
    const pace = new Pace(ms(row.created_at) ?? now);
    pace.#seen = false;
    pace.recall(row);
    return pace;
  }

  recall({ started_at: started, first_token_at: first, ended_at: ended }) {
    if (this.#seen) return;
    this.startedAt = ms(started);
    this.firstAt = ms(first);
    this.endedAt = ms(ended);
  }

  hear({ status, output, reasoning, edition, snapshots, ended }, now) {
    const jump = edition + snapshots;
    if (jump !== this.#jump) this.#samples = []; // nobody wrote all that in this moment
    this.#jump = jump;
    if (status !== "queued") this.startedAt ??= now;
    if (reasoning) this.thoughtAt ??= now;
    if (output) this.firstAt ??= now;
    if (ended) this.endedAt ??= now;
    this.#grow(output.length + reasoning.length, now);
  }

  /** Tokens per second, about; null before there is enough to tell. */
  speed(now) {
    if (this.#samples.length < 2) return null;
    const [[from, before], [, after]] = [this.#samples[0], this.#samples.at(-1)];
    return now - from < SAMPLE_MS ? null : ((after - before) / CHARS_PER_TOKEN / (now - from)) * 1000;
  }

  /** From the question to the first text; null if that is not known. */
  get untilFirst() {
    return this.firstAt === null ? null : Math.max(0, Math.min(this.thoughtAt ?? this.firstAt, this.firstAt) - this.askedAt);
  }

  /** How long it thought before the text; null if that is not known. */
  thinking(now) {
    if (this.thoughtAt === null) return null;
    return Math.max(0, (this.firstAt ?? this.endedAt ?? now) - this.thoughtAt);
  }

  /** How long the worker wrote; null if that is not known. */
  get took() {
    if (this.startedAt === null || this.endedAt === null) return null;
    return Math.max(0, this.endedAt - this.startedAt);
  }

  #grow(characters, now) {
    if (characters !== this.#length || this.grewAt === null) this.grewAt = now;
    this.#length = characters;
    this.#sample(characters, now);
  }

  #sample(characters, now) {
    const last = this.#samples.at(-1);
    if (!characters || (last && now - last[0] < SAMPLE_MS)) return;
    this.#samples.push([now, characters]);
    while (this.#samples.length > 2 && now - this.#samples[0][0] > WINDOW_MS) this.#samples.shift();
  }
}
