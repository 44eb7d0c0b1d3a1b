/** A turn, the connection, an API error or a file in sentences. Pure. */

import {
  FILTERED,
  FILTERED_WHOLE,
  NOT_COMPLETE,
  REFUSED,
  SAID_NOTHING,
  TRY_AGAIN,
  WORD_DIFFERENTLY,
  workerLost,
} from "../sentences/outcomes.js";
import { FIELDS, faultText } from "../sentences/panel.js";
import { STATUS } from "../server/protocol.js";
import { helpFor } from "./error_help.js";
import { duration } from "./stats.js";

const CUT_OFF = "Cut off: the answer reached its length limit.";
const ONLY_REASONING = "Cut off: the whole length limit went into reasoning, and no answer was written.";
const NO_TEXT = "Cut off: the answer reached its length limit before any text.";
const LESS_REASONING =
  "Raise the longest answer in the settings beside the model, ask for something simpler, or choose another model.";

/** @type {Record<string, string>} */
const INTERRUPTED = {
  worker_lost: "Worker lost",
  handed_over: "Moved to another worker",
};

const MOST_COUNTED = 100; // the server counts no further
const PAUSE_MS = 3_000; // a generating model is seldom silent for so long

/** @param {number} ms */
const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));

/** @param {ErrorObject | null} error */
export function errorText(error) {
  const message = error?.message || "Something went wrong.";
  const field = error?.code === "invalid_field" && FIELDS[error.param ?? ""];
  return field ? faultText(field, message) : message;
}

/**
 * `trouble`: it failed; `flowing`: text may arrive; `retry`, `continues`: Retry or Continue is offered.
 * @param {Turn} turn
 * @param {StatusSituation} situation
 */
export function statusOf(turn, { connection, now }) {
  if (turn.refusal) return failing(`Not sent. ${errorText(turn.refusal)}`, turn.refusal);
  if (turn.running) {
    const flowing = connection === "open" && !turn.isSilent(now);
    return { ...still(runningText(turn, connection, now)), flowing };
  }
  return turn.response ? endedStatus(turn.response, turn.timing.lostFor) : still("");
}

/** @param {ResponseState} response @param {number | null} lostFor */
function endedStatus(response, lostFor = null) {
  const { status, error } = response;
  switch (status) {
    case STATUS.failed:
      return failing(errorText(error), error);
    case STATUS.incomplete:
      return cutOff(response);
    case STATUS.cancelled:
      return still("Stopped.");
    default:
      return completed(response, lostFor);
  }
}

/** @param {ResponseState} response */
function cutOff(response) {
  const { reason, output } = response;
  if (reason === "content_filter") return still(output ? FILTERED : FILTERED_WHOLE, WORD_DIFFERENTLY);
  if (reason !== "max_output_tokens") return still(NOT_COMPLETE);
  return output ? { ...still(CUT_OFF), continues: !response.others.length } : withoutText(response);
}

/** @param {ResponseState} response @param {number | null} lostFor */
function completed({ output, others, refused, losses }, lostFor) {
  if (refused) return still(REFUSED, WORD_DIFFERENTLY);
  if (output || others.length) return still(losses ? workerLost(lostFor === null ? null : duration(lostFor)) : "");
  return { ...still(SAID_NOTHING, TRY_AGAIN), retry: true };
}

/** Some models report hidden reasoning only in the usage, others not at all. @param {ResponseState} response */
function withoutText({ reasoning, usage }) {
  const hasReasoned = Boolean(reasoning || usage?.output_tokens_details?.reasoning_tokens);
  return still(hasReasoned ? ONLY_REASONING : NO_TEXT, LESS_REASONING);
}

/** Above an answer; "" if the model read all turns. @param {ResponseState | null} response */
export function omittedText(response) {
  const count = response?.omittedTurns ?? 0;
  if (count === 0) return "";
  const turns = count === 1 ? "oldest question and its answer" : `${count} oldest questions and answers`;
  return `The model did not read the ${turns}: the conversation is longer than it can take.`;
}

/** @param {string} text */
const still = (text, help = "") => ({ text, help, trouble: false, flowing: false, retry: false, continues: false });

/** @param {string} text @param {ErrorObject | null} error */
const failing = (text, error) => ({ ...still(text), help: helpFor(error), trouble: true, retry: true });

/** @param {Turn} turn @param {ConnectionState} connection @param {number} now */
function runningText(turn, connection, now) {
  if (turn.stopping) return "Stopping…";
  if (connection !== "open") return disconnectedText(turn, connection);
  if (turn.isSilent(now)) return `No data for ${seconds(now - turn.lastEventAt)} s, reconnecting…`;
  if (turn.askAgainAt !== null) return `Too many questions at once: sending in ${seconds(turn.askAgainAt - now)} s`;
  if (!turn.response) return "Sending…";
  return turn.response.status === STATUS.queued
    ? queuedText(turn.response)
    : workingText(turn.response, turn.timing.grewAt, now);
}

/** @param {ResponseState} response */
function queuedText({ queue }) {
  if (queue === null) return "Queued";
  if (queue > MOST_COUNTED) return `In the queue, more than ${MOST_COUNTED} ahead`;
  return queue === 0 ? "In the queue, next" : `In the queue, ${queue} ahead`;
}

/**
 * In a pause the page cannot know whether the model is slow or the worker is lost.
 * @param {ResponseState} response
 * @param {number | null} grewAt
 * @param {number} now
 */
function workingText({ waiting, interruption, output, reasoning }, grewAt, now) {
  if (waiting) return waitingText(waiting, now);
  if (interruption)
    return `${INTERRUPTED[interruption] ?? INTERRUPTED.worker_lost}, ${output ? "continuing…" : "starting again…"}`;
  if (!output) return reasoning ? "" : "Thinking…"; // the summary of the reasoning says it
  return now - (grewAt ?? now) < PAUSE_MS ? "" : "Waiting for the next words…";
}

/** Clocks differ: never count more than `seconds`. @param {Wait} wait @param {number} now */
function waitingText({ seconds: total, until }, now) {
  const left = Math.min(until - now / 1000, total);
  return left > 0 ? busyText(left) : "The model was busy, retrying…";
}

/** @param {number} left */
const busyText = (left) => `The model is busy: retrying in ${seconds(left * 1000)} s`;

/** @param {Turn} turn @param {ConnectionState} connection */
function disconnectedText(turn, connection) {
  if (connection === "signed-out") return "You are signed out.";
  if (!turn.response) return "Waiting for the connection…";
  return connection === "connecting" ? "Connecting…" : "Connection lost. The answer continues and will appear here.";
}

/**
 * `wait`: ms until the next attempt, or null; `kept`: a message waits.
 * @param {ConnectionState} state
 * @param {number | null} wait
 */
export function connectionText(state, wait, kept = false) {
  switch (state) {
    case "idle":
      return "Ready";
    case "open":
      return "Connected";
    case "connecting":
      return "Connecting…";
    case "signed-out":
      return kept ? "You are signed out. Your message is kept." : "You are signed out.";
    case "too-many":
      return "Too many tabs of this site are open: close some, then try again.";
    case "offline":
      return kept ? "You are offline. Your message is kept and will be sent when you are online." : "You are offline.";
    default:
      return (
        (wait === null ? "Reconnecting…" : `Reconnecting in ${seconds(wait)} s`) + (kept ? ": your message is kept" : "")
      );
  }
}

/** By HTTP status; 0 = unreachable. @param {number} status */
export function apiErrorText(status) {
  if (status === 0 || status >= 500) return "The server is unavailable. Try again in a moment.";
  if (status === 401 || status === 403) return "You are signed out.";
  if (status === 404) return "This conversation was deleted, or it belongs to another user.";
  return "The server rejected the request.";
}

/** @param {ResponseState} response */
const startText = (response) => ["The answer has started.", omittedText(response)].filter(Boolean).join(" ");

/** For screen readers, or null. Tokens are not read out. @param {Turn} turn */
export function announcement(turn) {
  if (turn.refusal) return `Not sent. ${errorText(turn.refusal)}`;
  if (!turn.response) return null;
  switch (turn.response.status) {
    case STATUS.queued:
      return null;
    case STATUS.inProgress:
      return turn.response.waiting ? `${busyText(turn.response.waiting.seconds)}.` : startText(turn.response);
    case STATUS.completed:
      return "The answer is complete.";
    default:
      return endedStatus(turn.response).text;
  }
}

const MIB = 1024 * 1024;

/** @type {Record<Exclude<FileRefusal, "text_only" | "exceeds_context">, (limit: number) => string>} */
const REASONS = {
  empty_file: () => "it is empty",
  file_too_large: (limit) => `it is larger than ${limit / MIB} MiB`,
  unsupported_file: () => "it is no PNG, JPEG, GIF, WebP, PDF or text in UTF-8",
};

/** Before the upload. @param {string} name @param {keyof typeof REASONS} code @param {number} limit in bytes */
export const refusedFileText = (name, code, limit) =>
  `${name} was not added: ${REASONS[code](limit)}. ${helpFor({ code })}`;

/** @param {string} name @param {ApiError | null} error */
export const failedUploadText = (name, error) => `${name} was not uploaded. ${reasonOf(error)}`;

/** In the chip; "" once it is uploaded. @param {Pick<PendingFile, "attachment" | "error" | "progress">} pending */
export function uploadText({ attachment, error, progress }) {
  if (attachment) return "";
  return error ? `Not uploaded. ${reasonOf(error)}` : `Uploading, ${Math.floor(progress * 100)} %`;
}

/** @param {ApiError | null} error */
function reasonOf(error) {
  return error?.error?.message ?? apiErrorText(error?.status ?? 0);
}
