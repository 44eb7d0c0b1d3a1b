/** How an answer ended, with the remedy. Pure. */

export const SAID_NOTHING = "The model ended its answer without a word.";
export const TRY_AGAIN = "Try again; it may work now.";
export const REFUSED = "The model refused to answer.";
export const FILTERED = "Cut off by the content filter.";
export const FILTERED_WHOLE = "The content filter stopped this answer before its first word.";
export const WORD_DIFFERENTLY = "Word your question differently, or choose another model.";
export const NOT_COMPLETE = "Cut off: the answer is not complete.";

/** `after`: the time from the start to the next attempt, as text, or null. @param {string | null} after */
export const workerLost = (after) =>
  after === null
    ? "A worker was lost while it wrote this answer; another one took over."
    : `The worker was lost; another one took over after ${after}.`;
