/** The line under an answer. Pure. */

import {
  firstTextText,
  minutesText,
  REASONING,
  secondsText,
  shortTimeText,
  soFarText,
  speedText,
  statsLine,
  THINKING,
  thinkingText,
  thoughtText,
  tokenCountText,
} from "../sentences/turns.js";

/** 0.4 s, 12 s, 3 min 20 s. @param {number} ms */
export function duration(ms) {
  if (ms < 9_950) return shortTimeText(ms / 1000);
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? secondsText(seconds) : minutesText(Math.floor(seconds / 60), seconds % 60);
}

/** @param {Turn} turn @param {number} now */
export function statsText(turn, now) {
  const { model, response, timing } = turn;
  if (!response) return "";
  const stats = turn.running ? runningStats(timing, response, now) : endedStats(timing, response);
  return statsLine([model, ...stats].filter(Boolean));
}

/** @param {Timing} timing @param {ResponseState} response @param {number} now */
function runningStats(timing, response, now) {
  if (!response.output && !response.reasoning) return [soFarText(duration(Math.max(0, now - timing.askedAt)))];
  const { untilFirst } = timing;
  const speed = timing.speed(now);
  return [
    untilFirst !== null && firstTextText(duration(untilFirst)),
    speed !== null && speed >= 0.5 && speedText(Math.round(speed)),
  ];
}

/** @param {Timing} timing @param {ResponseState} response */
function endedStats(timing, response) {
  const tokens = response.usage?.output_tokens;
  return [timing.took !== null && duration(timing.took), tokens !== undefined && tokenCountText(tokens)];
}

/** @param {Turn} turn @param {number} now */
export function reasoningText(turn, now) {
  const time = turn.timing.reasoning(now);
  if (turn.running && !turn.response?.output) return time === null ? THINKING : thinkingText(duration(time));
  return time === null ? REASONING : thoughtText(duration(time));
}
