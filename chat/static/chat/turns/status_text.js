/**
 * The status of a turn, the connection and an API error in sentences. Pure. The server's own sentence explains a failure.
 *
 * in:  a turn, the socket's state, the time
 * out: text for response_view.js, connection_view.js, turn_list.js and page.js
 */

import { STATUS } from "../server/protocol.js";
import { helpFor } from "./error_help.js";

const CUT_OFF = {
  max_output_tokens: "Cut off: the answer reached its length limit.",
  content_filter: "Cut off by the content filter.",
};

const INTERRUPTED = {
  worker_lost: "Worker lost",
  handed_over: "Moved to another worker",
};

const PAUSE_MS = 3_000; // a model that is generating is seldom silent for so long

const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));

export const errorText = (error) => error?.message || "Something went wrong.";

/** `{text, help, trouble, flowing, retry}`: its status in words; whether it failed, text may flow, Retry is offered. */
export function statusOf(turn, { connection, now }) {
  if (turn.refusal) return failing(`Not sent. ${errorText(turn.refusal)}`, turn.refusal);
  if (turn.running) {
    const flowing = connection === "open" && !turn.isSilent(now);
    return { ...still(runningText(turn, connection, now)), flowing };
  }
  const { status, reason, error } = turn.response;
  switch (status) {
    case STATUS.failed:
      return failing(errorText(error), error);
    case STATUS.incomplete:
      return still(CUT_OFF[reason] ?? "Cut off: the answer is not complete.");
    case STATUS.cancelled:
      return still("Stopped.");
    default:
      return still("");
  }
}

const still = (text) => ({ text, help: "", trouble: false, flowing: false, retry: false });

const failing = (text, error) => ({ text, help: helpFor(error), trouble: true, flowing: false, retry: true });

function runningText(turn, connection, now) {
  if (turn.stopping) return "Stopping…";
  if (connection !== "open") return disconnectedText(turn, connection);
  if (turn.isSilent(now)) return `No news for ${seconds(now - turn.lastEventAt)} s, reconnecting…`;
  if (!turn.response) return "Sending…";
  return turn.response.status === STATUS.queued ? queuedText(turn.response) : workingText(turn, now);
}

function queuedText({ queue }) {
  if (queue === null) return "Queued";
  return queue === 0 ? "In the queue, next" : `In the queue, ${queue} ahead`;
}

/** Heartbeats arrive. During a pause the page cannot know whether the model is slow or the worker is lost. */
function workingText({ response: { waiting, interruption, output }, timing: { grewAt } }, now) {
  if (waiting) return waitingText(waiting, now);
  if (interruption)
    return `${INTERRUPTED[interruption] ?? INTERRUPTED.worker_lost}, ${output ? "continuing…" : "starting again…"}`;
  if (!output) return "Thinking…";
  return now - (grewAt ?? now) < PAUSE_MS ? "" : "Waiting for the next words…";
}

/** The clocks of page and server differ: never count more than `total` seconds. */
function waitingText({ seconds: total, until }, now) {
  const left = Math.min(until - now / 1000, total);
  return left > 0 ? busyText(left) : "The model was busy, and is asked again…";
}

const busyText = (left) => `The model is busy: asked again in ${seconds(left * 1000)} s`;

function disconnectedText(turn, connection) {
  if (connection === "signed-out") return "You are signed out.";
  if (!turn.response) return "Waiting for the connection…";
  return connection === "connecting" ? "Connecting…" : "Connection lost. The answer goes on, and will be shown here.";
}

/** The state of the connection; `wait` is the time in ms until the next attempt, or null; `kept`: a message waits. */
export function connectionText(state, wait, kept = false) {
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
      return (
        (wait === null ? "Reconnecting…" : `Reconnecting in ${seconds(wait)} s`) + (kept ? ": your message is kept" : "")
      );
  }
}

/** Why a request to the conversation API failed, by its HTTP status; 0 = unreachable. */
export function apiErrorText(status) {
  if (status === 0 || status >= 500) return "The server cannot be reached just now. Try again when the connection is back.";
  if (status === 401 || status === 403) return "You are signed out.";
  if (status === 404) return "This conversation was deleted, or it belongs to somebody else.";
  return "The server refused this.";
}

/** The announcement for screen readers when a turn changes; null = none. Tokens are not read out. */
export function announcement(turn) {
  if (turn.refusal) return `Not sent. ${errorText(turn.refusal)}`;
  switch (turn.response?.status) {
    case STATUS.queued:
    case undefined:
      return null;
    case STATUS.inProgress:
      return turn.response.waiting ? `${busyText(turn.response.waiting.seconds)}.` : "The answer has started.";
    case STATUS.completed:
      return "The answer is complete.";
    default:
      return statusOf(turn, {}).text;
  }
}
