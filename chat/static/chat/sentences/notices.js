/** The sentences of notifications. */

export const ANSWER_READY = "The answer is ready.";
export const UNTITLED = "A conversation";
