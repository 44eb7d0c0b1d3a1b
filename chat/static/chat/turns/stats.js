/** The line under an answer. Pure. */

const whole = new Intl.NumberFormat("en");

/** 0.4 s, 12 s, 3 min 20 s. @param {number} ms */
export function duration(ms) {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @param {Turn} turn @param {number} now */
export function statsText(turn, now) {
  const { model, response, timing } = turn;
  if (!response) return "";
  const stats = turn.running ? runningStats(timing, response, now) : endedStats(timing, response);
  return [model, ...stats].filter(Boolean).join(" · ");
}

/** @param {Timing} timing @param {ResponseState} response @param {number} now */
function runningStats(timing, response, now) {
  if (!response.output && !response.reasoning) return [`${duration(Math.max(0, now - timing.askedAt))} so far`];
  const { untilFirst } = timing;
  const speed = timing.speed(now);
  return [
    untilFirst !== null && `first text after ${duration(untilFirst)}`,
    speed !== null && speed >= 0.5 && `about ${whole.format(Math.round(speed))} tokens/s`,
  ];
}

/** @param {Timing} timing @param {ResponseState} response */
function endedStats(timing, response) {
  const tokens = response.usage?.output_tokens;
  return [
    timing.took !== null && duration(timing.took),
    tokens !== undefined && `${whole.format(tokens)} ${tokens === 1 ? "token" : "tokens"}`,
  ];
}

/** @param {Turn} turn @param {number} now */
export function reasoningText(turn, now) {
  const time = turn.timing.reasoning(now);
  if (turn.running && !turn.response?.output) return time === null ? "Thinking…" : `Thinking for ${duration(time)}…`;
  return time === null ? "Reasoning" : `Thought for ${duration(time)}`;
}
