/** The length of a message in characters and in tokens, as the server counts both (chat/responses/prompt.py). Pure. */

import { charactersText, tokensText } from "../sentences/composer.js";

const NEAR_THE_LIMIT = 0.9; // the length is shown from this share on
const BYTES_PER_TOKEN = 3;
const TOKENS_PER_MESSAGE = 8;
const TOO_HIGH = 2; // times, at most, as in chat/responses/creation.py

const encoder = new TextEncoder();

/** Code points, as the server counts, not UTF-16 units. @param {string} text */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Whether a model certainly cannot read so many: the estimate may be twice too high. @param {number} tokens @param {number} context */
export const exceeds = (tokens, context) => tokens > TOO_HIGH * context;

/** Estimated, rather too many. @param {number} bytes of UTF-8 */
export const tokensOf = (bytes) => Math.ceil(bytes / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE;

/**
 * Whether a message is too long, and the words about its length: none far from both limits, where nothing is counted.
 * A text has at most as many characters, and as many tokens, as UTF-16 units.
 * @param {string} text
 * @param {MessageLimits} limits
 */
export function measured(text, { characters, context }) {
  if (text.length > characters) {
    const length = lengthOf(text);
    if (length > characters) return { over: true, words: charactersText(length, characters) };
  }
  if (context !== null && text.length + TOKENS_PER_MESSAGE >= context * NEAR_THE_LIMIT) {
    const tokens = tokensOf(encoder.encode(text).length);
    const over = exceeds(tokens, context);
    if (tokens >= context * NEAR_THE_LIMIT) return { over, words: tokensText(tokens, context, over) };
  }
  if (text.length < characters * NEAR_THE_LIMIT) return { over: false, words: "" };
  const length = lengthOf(text);
  return { over: false, words: length < characters * NEAR_THE_LIMIT ? "" : charactersText(length, characters) };
}
