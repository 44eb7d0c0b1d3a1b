/** A message that is being written, or that waits for the end of an answer. */

import { number } from "./locale.js";

/** @param {number} characters @param {number} limit */
export const charactersText = (characters, limit) =>
  characters > limit
    ? `${number(characters - limit)} characters too many`
    : `${number(characters)} of ${number(limit)} characters`;

/** @param {number} tokens @param {number} context @param {boolean} over */
export function tokensText(tokens, context, over) {
  if (tokens <= context) return `About ${number(tokens)} of ${number(context)} tokens`;
  const length = `about ${number(tokens)} tokens, and this model takes ${number(context)}`;
  return over ? `Too long: ${length}` : `Perhaps too long: ${length}`;
}

export const NOT_KEPT = "This browser has no room to keep what you write. Leave this page open until your message is sent.";
export const EDIT_MESSAGE = "Edit your message";

/** @param {number} lines */
export const pastedText = (lines) => `Pasted text, ${number(lines)} ${lines === 1 ? "line" : "lines"}`;

export const QUEUED = "Your message will be sent when the answer ends.";
export const NEXT = "Sent when the answer ends";
export const IN_TURN = "Sent in its turn";
export const WAITS = "Not sent, because the answer above did not end by itself";
export const NOT_YET = "Your first message is not accepted yet. Send this one when it is.";
