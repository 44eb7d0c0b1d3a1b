/**
 * The quiet line under an answer: its model and how fast it comes, then how long it took. Pure: state in, words out.
 *
 * in:  a turn, the time
 * out: words for response_view.js
 */

const whole = new Intl.NumberFormat("en");

/** 0.4 s, 12 s, 3 min 20 s. */
export function duration(ms) {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function figures(turn, now) {
  if (!turn.follow) return "";
  const told = turn.running ? runningFigures(turn, now) : endedFigures(turn);
  return [turn.model, ...told].filter(Boolean).join(" · ");
}

function runningFigures({ pace, follow }, now) {
  if (!follow.output && !follow.reasoning) return [`${duration(Math.max(0, now - pace.askedAt))} so far`];
  const { untilFirst } = pace;
  const speed = pace.speed(now);
  return [
    untilFirst !== null && `first text after ${duration(untilFirst)}`,
    speed !== null && `about ${whole.format(Math.round(speed))} tokens/s`,
  ];
}

function endedFigures({ pace, follow }) {
  const tokens = follow.usage?.output_tokens;
  return [pace.took !== null && duration(pace.took), tokens !== undefined && `${whole.format(tokens)} ${tokens === 1 ? "token" : "tokens"}`];
}

/** The words on the folded reasoning. */
export function thoughtWords(turn, now) {
  const time = turn.pace.thinking(now);
  if (turn.running && !turn.follow.output) return time === null ? "Thinking…" : `Thinking for ${duration(time)}…`;
  return time === null ? "Reasoning" : `Thought for ${duration(time)}`;
}
