/** A turn, the connection, an API error or a file in sentences. Pure. */

import * as errors from "../sentences/errors.js";
import * as files from "../sentences/files.js";
import { FIELDS, faultText } from "../sentences/panel.js";
import * as states from "../sentences/status.js";
import { omittedTurnsText, THINKING } from "../sentences/turns.js";
import { STATUS } from "../server/protocol.js";
import { helpFor } from "./error_help.js";
import { duration } from "./stats.js";

const MOST_COUNTED = 100; // the server counts no further
const PAUSE_MS = 3_000; // a generating model is seldom silent for so long

/** @param {number} ms */
const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));

/** @param {ErrorObject | null} error */
export function errorText(error) {
  const message = error?.message || errors.WRONG;
  const field = error?.code === "invalid_field" && FIELDS[error.param ?? ""];
  return field ? faultText(field, message) : message;
}

/**
 * `trouble`: it failed; `flowing`: text may arrive; `retry`, `continues`: Retry or Continue is offered.
 * @param {Turn} turn
 * @param {StatusSituation} situation
 */
export function statusOf(turn, { connection, now }) {
  if (turn.refusal) return failing(errors.notSentText(errorText(turn.refusal)), turn.refusal);
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
      return still(states.STOPPED);
    default:
      return completed(response, lostFor);
  }
}

/** @param {ResponseState} response */
function cutOff(response) {
  const { reason, output } = response;
  if (reason === "content_filter") return still(output ? states.FILTERED : states.FILTERED_WHOLE, states.WORD_DIFFERENTLY);
  if (reason !== "max_output_tokens") return still(states.NOT_COMPLETE);
  return output ? { ...still(states.CUT_OFF), continues: !response.others.length } : withoutText(response);
}

/** @param {ResponseState} response @param {number | null} lostFor */
function completed({ output, others, refused, losses, added }, lostFor) {
  if (refused) return still(states.REFUSED, states.WORD_DIFFERENTLY);
  if (output || others.length || added)
    return still(losses ? states.workerLost(lostFor === null ? null : duration(lostFor)) : "");
  return { ...still(states.SAID_NOTHING, states.TRY_AGAIN), retry: true };
}

/** Some models report hidden reasoning only in the usage, others not at all. @param {ResponseState} response */
function withoutText({ reasoning, usage }) {
  const hasReasoned = Boolean(reasoning || usage?.output_tokens_details?.reasoning_tokens);
  return still(hasReasoned ? states.ONLY_REASONING : states.NO_TEXT, states.LESS_REASONING);
}

/** Above an answer; "" if the model read all turns. @param {ResponseState | null} response */
export function omittedText(response) {
  const count = response?.omittedTurns ?? 0;
  return count ? omittedTurnsText(count) : "";
}

/** @param {string} text */
const still = (text, help = "") => ({ text, help, trouble: false, flowing: false, retry: false, continues: false });

/** @param {string} text @param {ErrorObject | null} error */
const failing = (text, error) => ({ ...still(text), help: helpFor(error), trouble: true, retry: true });

/** @param {Turn} turn @param {ConnectionState} connection @param {number} now */
function runningText(turn, connection, now) {
  if (turn.stopping) return states.STOPPING;
  if (connection !== "open") return disconnectedText(turn, connection);
  if (turn.isSilent(now)) return states.silentText(seconds(now - turn.lastEventAt));
  if (turn.askAgainAt !== null) return states.sendingInText(seconds(turn.askAgainAt - now));
  if (!turn.response) return states.SENDING;
  return turn.response.status === STATUS.queued
    ? queuedText(turn.response)
    : workingText(turn.response, turn.timing.grewAt, now);
}

/** @param {ResponseState} response */
function queuedText({ queue }) {
  if (queue === null) return states.QUEUED;
  if (queue > MOST_COUNTED) return states.moreAheadText(MOST_COUNTED);
  return queue === 0 ? states.NEXT_IN_QUEUE : states.aheadText(queue);
}

/**
 * In a pause the page cannot know whether the model is slow or the worker is lost.
 * @param {ResponseState} response
 * @param {number | null} grewAt
 * @param {number} now
 */
function workingText({ waiting, interruption, output, reasoning }, grewAt, now) {
  if (waiting) return waitingText(waiting, now);
  if (interruption) return interruptedText(interruption, output);
  if (!output) return reasoning ? "" : THINKING; // the summary of the reasoning says it
  return now - (grewAt ?? now) < PAUSE_MS ? "" : states.WAITING_FOR_WORDS;
}

/** @param {string} interruption @param {string} output */
function interruptedText(interruption, output) {
  const { continuing, again } = states.INTERRUPTED[interruption] ?? states.INTERRUPTED.worker_lost;
  return output ? continuing : again;
}

/** Clocks differ: never count more than `seconds`. @param {Wait} wait @param {number} now */
function waitingText({ seconds: total, until }, now) {
  const left = Math.min(until - now / 1000, total);
  return left > 0 ? states.busyText(seconds(left * 1000)) : states.RETRYING;
}

/** @param {Turn} turn @param {ConnectionState} connection */
function disconnectedText(turn, connection) {
  if (connection === "signed-out") return states.SIGNED_OUT;
  if (!turn.response) return states.WAITING_FOR_CONNECTION;
  return connection === "connecting" ? states.CONNECTING : states.CONNECTION_LOST;
}

/**
 * `wait`: ms until the next attempt, or null; `kept`: a message waits.
 * @param {ConnectionState} state
 * @param {number | null} wait
 */
export function connectionText(state, wait, kept = false) {
  switch (state) {
    case "idle":
      return states.READY;
    case "open":
      return states.CONNECTED;
    case "connecting":
      return states.CONNECTING;
    case "signed-out":
      return kept ? states.SIGNED_OUT_KEPT : states.SIGNED_OUT;
    case "too-many":
      return states.TOO_MANY_TABS;
    case "offline":
      return kept ? states.OFFLINE_KEPT : states.OFFLINE;
    default:
      return reconnectingText(wait, kept);
  }
}

/** @param {number | null} wait @param {boolean} kept */
function reconnectingText(wait, kept) {
  const text = wait === null ? states.RECONNECTING : states.reconnectingIn(seconds(wait));
  return kept ? states.messageKept(text) : text;
}

/** By HTTP status; 0 = unreachable. @param {number} status */
export function apiErrorText(status) {
  if (status === 0 || status >= 500) return errors.UNAVAILABLE;
  if (status === 401 || status === 403) return states.SIGNED_OUT;
  if (status === 404) return errors.NOT_FOUND;
  return errors.REJECTED;
}

/** @param {ResponseState} response */
const startText = (response) => states.joined([states.STARTED, omittedText(response)].filter(Boolean));

/** For screen readers, or null. Tokens are not read out. @param {Turn} turn */
export function announcement(turn) {
  if (turn.refusal) return errors.notSentText(errorText(turn.refusal));
  if (!turn.response) return null;
  switch (turn.response.status) {
    case STATUS.queued:
      return null;
    case STATUS.inProgress:
      return turn.response.waiting
        ? states.busySentence(seconds(turn.response.waiting.seconds * 1000))
        : startText(turn.response);
    case STATUS.completed:
      return states.COMPLETE;
    default:
      return endedStatus(turn.response).text;
  }
}

const MIB = 1024 * 1024;

/** @type {Record<Exclude<FileRefusal, "text_only" | "exceeds_context">, (limit: number) => string>} */
const REASONS = {
  empty_file: () => files.EMPTY,
  file_too_large: (limit) => files.largerText(limit / MIB),
  unsupported_file: () => files.UNSUPPORTED,
};

/** Before the upload. @param {string} name @param {keyof typeof REASONS} code @param {number} limit in bytes */
export const refusedFileText = (name, code, limit) => files.notAddedText(name, REASONS[code](limit), helpFor({ code }));

/** @param {string} name @param {ApiError | null} error */
export const failedUploadText = (name, error) => files.fileFailedText(name, reasonOf(error));

/** In the chip; "" once it is uploaded. @param {Pick<PendingFile, "attachment" | "error" | "progress">} pending */
export function uploadText({ attachment, error, progress }) {
  if (attachment) return "";
  return error ? files.failedText(reasonOf(error)) : files.uploadingText(Math.floor(progress * 100));
}

/** @param {ApiError | null} error */
function reasonOf(error) {
  return error?.error?.message ?? apiErrorText(error?.status ?? 0);
}
