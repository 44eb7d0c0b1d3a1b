/** Sentences about what a person writes and sends. */

const number = new Intl.NumberFormat("en");

/** @param {number} characters @param {number} limit */
export const charactersText = (characters, limit) =>
  characters > limit
    ? `${number.format(characters - limit)} characters too many`
    : `${number.format(characters)} of ${number.format(limit)} characters`;

/** @param {number} tokens @param {number} context @param {boolean} over */
export function tokensText(tokens, context, over) {
  if (tokens <= context) return `About ${number.format(tokens)} of ${number.format(context)} tokens`;
  const length = `about ${number.format(tokens)} tokens, and this model takes ${number.format(context)}`;
  return over ? `Too long: ${length}` : `Perhaps too long: ${length}`;
}

export const NOT_KEPT = "This browser has no room to keep what you write. Leave this page open until your message is sent.";

export const SHOW_LESS = "Show less";
export const COPY_QUESTION = "Copy your message";

/** @param {number} lines */
export const showAllText = (lines) => (lines > 1 ? `Show all ${number.format(lines)} lines` : "Show all");

/** The question of the button Continue, which is shown as its one word. */
export const CONTINUE = "Continue";
export const CONTINUE_QUESTION =
  "Continue exactly where your last answer was cut off. Do not repeat what you have written, and add no introduction.";

/** @param {number} lines */
export const pastedText = (lines) => `Pasted text, ${number.format(lines)} ${lines === 1 ? "line" : "lines"}`;

/** @param {string} name @param {number} tokens @param {number} context */
export const longFileText = (name, tokens, context) =>
  `${name} was not added: it has about ${number.format(tokens)} tokens, and this model takes ${number.format(context)}. Choose another model, or a part of the file.`;

/** @param {string} model */
export const takesTextFilesText = (model) =>
  `${model} takes text files only. Choose another model, or send the message without pictures and PDF.`;
