/**
 * What the page says in words. Pure: state in, sentence out. Why something failed is said by the server's own sentence.
 *
 * in:  a turn, the socket's state, the time
 * out: words for response_view.js, connection_view.js and turn_list.js
 */

import { STATUS } from "../server/protocol.js";
import { remedyOf } from "./error_help.js";

const CUT_OFF = {
  max_output_tokens: "Cut off: the answer reached its length limit.",
  content_filter: "Cut off by the content filter.",
};

const INTERRUPTED = {
  worker_lost: "Worker lost",
  handed_over: "Moved to another worker",
};

const PAUSE_MS = 3_000; // a model that writes is seldom silent for so long

const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));

export const sentenceOf = (error) => error?.message || "Something went wrong, and nobody said what.";

/** How the turn stands: `words` and a `remedy` (may be empty); whether that is `trouble`, text is `flowing`, a `retry` is offered. */
export function standing(turn, { connection, now }) {
  if (turn.refusal) return failing(`Not sent. ${sentenceOf(turn.refusal)}`, turn.refusal);
  if (turn.running) {
    const flowing = connection === "open" && !turn.isSilent(now);
    return { ...still(runningWords(turn, connection, now)), flowing };
  }
  const { status, reason, error } = turn.follow;
  switch (status) {
    case STATUS.failed:
      return failing(sentenceOf(error), error);
    case STATUS.incomplete:
      return still(CUT_OFF[reason] ?? "Cut off: the answer is not complete.");
    case STATUS.cancelled:
      return still("Stopped.");
    default:
      return still("");
  }
}

const still = (words) => ({ words, remedy: "", trouble: false, flowing: false, retry: false });

const failing = (words, error) => ({ words, remedy: remedyOf(error), trouble: true, flowing: false, retry: true });

function runningWords(turn, connection, now) {
  if (turn.stopping) return "Stopping…";
  if (connection !== "open") return awayWords(turn, connection);
  if (turn.isSilent(now)) return `No news for ${seconds(now - turn.heardAt)} s, reconnecting…`;
  if (!turn.follow) return "Sending…";
  return turn.follow.status === STATUS.queued ? queuedWords(turn.follow) : workingWords(turn, now);
}

function queuedWords({ queue }) {
  if (queue === null) return "Queued";
  return queue === 0 ? "In the queue, next" : `In the queue, ${queue} ahead`;
}

/** The server is heard, so the answer goes on: in a pause nobody knows yet whether the model rests or its worker is gone. */
function workingWords({ follow: { waiting, interruption, output }, pace: { grewAt } }, now) {
  if (waiting) return waitingWords(waiting, now);
  if (interruption) return `${INTERRUPTED[interruption] ?? INTERRUPTED.worker_lost}, ${output ? "continuing…" : "starting again…"}`;
  if (!output) return "Thinking…";
  return now - (grewAt ?? now) < PAUSE_MS ? "" : "Waiting for the next words…";
}

/** The clock of the page need not be the server's: no more is counted than was said. */
function waitingWords({ seconds: said, until }, now) {
  const left = Math.min(until - now / 1000, said);
  return left > 0 ? busyWords(left) : "The model was busy, and is asked again…";
}

const busyWords = (left) => `The model is busy: asked again in ${seconds(left * 1000)} s`;

function awayWords(turn, connection) {
  if (connection === "signed-out") return "You are signed out.";
  if (!turn.follow) return "Waiting for the connection…";
  return connection === "connecting" ? "Connecting…" : "Connection lost. The answer goes on, and will be shown here.";
}

/** The state of the connection; `wait` is the time in ms until the next attempt, or null; `kept`: a message waits. */
export function connectionWords(state, wait, kept = false) {
  switch (state) {
    case "open":
      return "Connected";
    case "connecting":
      return "Connecting…";
    case "signed-out":
      return kept ? "You are signed out. Your message is kept." : "You are signed out.";
    case "offline":
      return kept ? "You are offline. Your message is kept, and sent when you are back." : "You are offline.";
    default:
      return (wait === null ? "Reconnecting…" : `Reconnecting in ${seconds(wait)} s`) + (kept ? ": your message is kept" : "");
  }
}

/** Why the list could not be changed, or a conversation not be read: by the status of the server's answer, 0 for none. */
export function archiveWords(status) {
  if (status === 0 || status >= 500) return "The server cannot be reached just now. Try again when the connection is back.";
  if (status === 401 || status === 403) return "You are signed out.";
  if (status === 404) return "This conversation was deleted, or it belongs to somebody else.";
  return "The server refused this.";
}

/** What a screen reader is told when a turn moves on; null = nothing. The tokens are not read out. */
export function announcement(turn) {
  if (turn.refusal) return `Not sent. ${sentenceOf(turn.refusal)}`;
  switch (turn.follow?.status) {
    case STATUS.queued:
    case undefined:
      return null;
    case STATUS.inProgress:
      return turn.follow.waiting ? `${busyWords(turn.follow.waiting.seconds)}.` : "The answer has started.";
    case STATUS.completed:
      return "The answer is complete.";
    default:
      return standing(turn, {}).words;
  }
}
