/** The state of an answer and of the connection, with the remedy. */

export const STOPPING = "Stopping…";
export const SENDING = "Sending…";
export const QUEUED = "Queued";
export const NEXT_IN_QUEUE = "In the queue, next";
export const WAITING_FOR_WORDS = "Waiting for the next words…";
export const WAITING_FOR_CONNECTION = "Waiting for the connection…";
export const RETRYING = "The model was busy, retrying…";
export const STOPPED = "Stopped.";
export const COMPLETE = "The answer is complete.";
export const STARTED = "The answer has started.";

/** @param {number} seconds */
export const silentText = (seconds) => `No data for ${seconds} s, reconnecting…`;

/** @param {number} seconds */
export const sendingInText = (seconds) => `Too many questions at once: sending in ${seconds} s`;

/** @param {number} ahead */
export const aheadText = (ahead) => `In the queue, ${ahead} ahead`;

/** @param {number} ahead */
export const moreAheadText = (ahead) => `In the queue, more than ${ahead} ahead`;

/** @param {number} seconds */
export const busyText = (seconds) => `The model is busy: retrying in ${seconds} s`;

/** @param {number} seconds */
export const busySentence = (seconds) => `${busyText(seconds)}.`;

/** An interrupted answer: by code, then whether some of it was written. @type {Readonly<Record<string, { continuing: string, again: string }>>} */
export const INTERRUPTED = Object.freeze({
  worker_lost: { continuing: "Worker lost, continuing…", again: "Worker lost, starting again…" },
  handed_over: { continuing: "Moved to another worker, continuing…", again: "Moved to another worker, starting again…" },
});

/** One after the other. @param {string[]} sentences */
export const joined = (sentences) => sentences.join(" ");

export const SAID_NOTHING = "The model ended its answer without a word.";
export const TRY_AGAIN = "Try again; it may work now.";
export const REFUSED = "The model refused to answer.";
export const FILTERED = "Cut off by the content filter.";
export const FILTERED_WHOLE = "The content filter stopped this answer before its first word.";
export const WORD_DIFFERENTLY = "Word your question differently, or choose another model.";
export const NOT_COMPLETE = "Cut off: the answer is not complete.";
export const CUT_OFF = "Cut off: the answer reached its length limit.";
export const ONLY_REASONING = "Cut off: the whole length limit went into reasoning, and no answer was written.";
export const NO_TEXT = "Cut off: the answer reached its length limit before any text.";
export const LESS_REASONING =
  "Raise the longest answer in the settings beside the model, ask for something simpler, or choose another model.";

/** `after`: the time from the start to the next attempt, as text, or null. @param {string | null} after */
export const workerLost = (after) =>
  after === null
    ? "A worker was lost while it wrote this answer; another one took over."
    : `The worker was lost; another one took over after ${after}.`;

export const READY = "Ready";
export const CONNECTED = "Connected";
export const CONNECTING = "Connecting…";
export const CONNECTION_LOST = "Connection lost. The answer continues and will appear here.";
export const SIGNED_OUT = "You are signed out.";
export const SIGNED_OUT_KEPT = "You are signed out. Your message is kept.";
export const TOO_MANY_TABS = "Too many tabs of this site are open: close some, then try again.";
export const OFFLINE = "You are offline.";
export const OFFLINE_KEPT = "You are offline. Your message is kept and will be sent when you are online.";
export const RECONNECTING = "Reconnecting…";

/** @param {number} seconds */
export const reconnectingIn = (seconds) => `Reconnecting in ${seconds} s`;

/** `state`: one of the two above. @param {string} state */
export const messageKept = (state) => `${state}: your message is kept`;
