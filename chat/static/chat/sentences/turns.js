/** Questions and answers: their headings, versions and items, and the line under an answer. */

import { number, withTenths } from "./locale.js";

export const QUESTION_HEADING = "You asked";
export const ANSWER_HEADING = "Answer";

/** The question of the button Continue, which is shown as its one word. */
export const CONTINUE = "Continue";
export const CONTINUE_QUESTION =
  "Continue exactly where your last answer was cut off. Do not repeat what you have written, and add no introduction.";

/** @param {number} lines */
export const showAllText = (lines) => (lines > 1 ? `Show all ${number(lines)} lines` : "Show all");

/** @param {number} at from 1 @param {number} count */
export const versionOf = (at, count) => `Version ${at} of ${count}`;

/** The same, between the two arrows. @param {number} at from 1 @param {number} count */
export const shortVersionOf = (at, count) => `${at}/${count}`;

/** @param {string | undefined} name of the function */
export const callText = (name) => `Calls ${name}`;

/** @param {string} type */
export const unknownItemText = (type) => `An item of the kind ${type}`;

/** @param {number} count */
export const omittedTurnsText = (count) =>
  count === 1
    ? "The model did not read the oldest question and its answer: the conversation is longer than it can take."
    : `The model did not read the ${count} oldest questions and answers: the conversation is longer than it can take.`;

/** 0.4 s. @param {number} seconds */
export const shortTimeText = (seconds) => `${withTenths(seconds)} s`;

/** 12 s. @param {number} seconds */
export const secondsText = (seconds) => `${seconds} s`;

/** 3 min 20 s. @param {number} minutes @param {number} seconds */
export const minutesText = (minutes, seconds) => `${minutes} min ${seconds} s`;

/** @param {string} time */
export const soFarText = (time) => `${time} so far`;

/** @param {string} time */
export const firstTextText = (time) => `first text after ${time}`;

/** @param {number} tokens in a second */
export const speedText = (tokens) => `about ${number(tokens)} tokens/s`;

/** @param {number} tokens */
export const tokenCountText = (tokens) => `${number(tokens)} ${tokens === 1 ? "token" : "tokens"}`;

/** @param {(string | false)[]} parts */
export const statsLine = (parts) => parts.join(" · ");

export const REASONING = "Reasoning";
export const THINKING = "Thinking…";

/** @param {string} time */
export const thinkingText = (time) => `Thinking for ${time}…`;

/** @param {string} time */
export const thoughtText = (time) => `Thought for ${time}`;
