/**
 * The line of figures under an answer: its model and speed, at the end its duration and tokens. Pure.
 *
 * in:  a turn, the time
 * out: text for response_view.js
 */

const whole = new Intl.NumberFormat("en");

/** 0.4 s, 12 s, 3 min 20 s. */
export function duration(ms) {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function statsText(turn, now) {
  if (!turn.response) return "";
  const stats = turn.running ? runningStats(turn, now) : endedStats(turn);
  return [turn.model, ...stats].filter(Boolean).join(" · ");
}

function runningStats({ timing, response }, now) {
  if (!response.output && !response.reasoning) return [`${duration(Math.max(0, now - timing.askedAt))} so far`];
  const { untilFirst } = timing;
  const speed = timing.speed(now);
  return [
    untilFirst !== null && `first text after ${duration(untilFirst)}`,
    speed !== null && `about ${whole.format(Math.round(speed))} tokens/s`,
  ];
}

function endedStats({ timing, response }) {
  const tokens = response.usage?.output_tokens;
  return [
    timing.took !== null && duration(timing.took),
    tokens !== undefined && `${whole.format(tokens)} ${tokens === 1 ? "token" : "tokens"}`,
  ];
}

/** The summary of the folded reasoning. */
export function reasoningText(turn, now) {
  const time = turn.timing.reasoning(now);
  if (turn.running && !turn.response.output) return time === null ? "Thinking…" : `Thinking for ${duration(time)}…`;
  return time === null ? "Reasoning" : `Thought for ${duration(time)}`;
}
