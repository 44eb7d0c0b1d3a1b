/** Names, commands and readers of the wire protocol. Pure. Shapes: wire.d.ts. */

import { fieldsOf, OWN } from "../conversation/settings.js";

export const COMMAND = Object.freeze({
  create: "response.create",
  subscribe: "tailrace:subscribe",
  unsubscribe: "tailrace:unsubscribe",
  acknowledge: "tailrace:ack",
  cancel: "tailrace:cancel",
});

/** @satisfies {Record<string, ServerEvent["type"]>} */
export const EVENT = Object.freeze({
  created: "response.created",
  queued: "response.queued",
  inProgress: "response.in_progress",
  itemAdded: "response.output_item.added",
  partAdded: "response.content_part.added",
  textDelta: "response.output_text.delta",
  textDone: "response.output_text.done",
  reasoningDelta: "response.reasoning_text.delta",
  reasoningDone: "response.reasoning_text.done",
  refusalDelta: "response.refusal.delta",
  refusalDone: "response.refusal.done",
  callDelta: "response.function_call_arguments.delta",
  callDone: "response.function_call_arguments.done",
  partDone: "response.content_part.done",
  itemDone: "response.output_item.done",
  completed: "response.completed",
  incomplete: "response.incomplete",
  failed: "response.failed",
  snapshot: "tailrace:snapshot",
  upToDate: "tailrace:up_to_date",
  restarted: "tailrace:restarted",
  continued: "tailrace:continued",
  waiting: "tailrace:waiting",
  heartbeat: "tailrace:heartbeat",
  queue: "tailrace:queue",
  conversation: "tailrace:conversation",
  sharedChanged: "tailrace:shared_changed",
  moving: "tailrace:moving",
  error: "error",
});

/** @satisfies {Record<string, Status>} */
export const STATUS = Object.freeze({
  queued: "queued",
  inProgress: "in_progress",
  completed: "completed",
  incomplete: "incomplete",
  failed: "failed",
  cancelled: "cancelled",
});

export const CLOSE_MOVING = 1012; // this server stops: another one is there
export const CLOSE_SIGNED_OUT = 4401;
export const CLOSE_NOT_SHARED = 4404; // the link has ended
export const CLOSE_TOO_MANY = 4429; // sockets or commands: connecting again at once cannot help
export const TOO_MANY_SOCKETS = "too_many_sockets"; // the error before it
export const CLOSE_TOO_LARGE = 1009; // sending the frame again cannot help

/** @type {Set<Status>} */
const RUNNING = new Set([STATUS.queued, STATUS.inProgress]);

/** @param {Status} status */
export const isEnded = (status) => !RUNNING.has(status);

/** @param {Ask} ask */
export function createCommand(ask) {
  const { input, attachments = [], model, settings = OWN, previousId, conversationId, requestId, regenerateOf } = ask;
  /** @type {CreateCommand} */
  const command = { type: COMMAND.create, stream_id: requestId, tailrace: { client_request_id: requestId } };
  Object.assign(command, fieldsOf(settings));
  if (model) command.model = model;
  if (!regenerateOf) command.input = attachments.length ? [messageOf(input, attachments)] : input; // else the server takes both from there
  if (previousId && !regenerateOf) command.previous_response_id = previousId;
  if (regenerateOf) command.tailrace.regenerate_of = regenerateOf;
  if (conversationId) command.tailrace.conversation_id = conversationId;
  return command;
}

/** @param {string} text @param {Attachment[]} attachments @returns {InputMessage} */
function messageOf(text, attachments) {
  const files = attachments.map(filePart);
  return { type: "message", role: "user", content: text.trim() ? [{ type: "input_text", text }, ...files] : files };
}

/** @param {Attachment} attachment @returns {InputPart} */
function filePart({ id, name, image }) {
  return image ? { type: "input_image", file_id: id } : { type: "input_file", file_id: id, filename: name };
}

/**
 * `last`: number of the last applied event; null requests a snapshot.
 * @param {string} responseId
 * @param {number | null} last
 */
export function subscribeCommand(responseId, last) {
  return { type: COMMAND.subscribe, response_id: responseId, ...(last !== null && { starting_after: last }) };
}

/** @param {string} responseId @returns {Command} */
export const unsubscribeCommand = (responseId) => ({ type: COMMAND.unsubscribe, response_id: responseId });

/** @param {string} responseId @returns {Command} */
export const cancelCommand = (responseId) => ({ type: COMMAND.cancel, response_id: responseId });

/** The id of the response, or null. Item events carry only the item's. @param {EventIds} event */
export function responseIdOf(event) {
  const itemId = event.item_id ?? event.item?.id;
  return event.response?.id ?? event.response_id ?? itemId?.replace(/^[a-z]+_(\w+)_\d+$/, "resp_$1") ?? null;
}

/**
 * The texts of output items, joined; a refusal is text, too.
 * @param {OutputItem[]} [items]
 */
export function textsOf(items = []) {
  const texts = { message: "", reasoning: "" };
  for (const { type, content } of items) {
    if (type !== "message" && type !== "reasoning") continue;
    texts[type] += (content ?? []).map((part) => part.text ?? part.refusal ?? "").join("");
  }
  return { output: texts.message, reasoning: texts.reasoning };
}

/** @param {OutputItem} item */
export const isText = ({ type }) => type === "message" || type === "reasoning";

/** The items that are not text, as calls of functions. @param {OutputItem[]} [items] */
export const othersOf = (items = []) => items.filter((item) => !isText(item));

/** @param {OutputItem[]} [items] */
export const hasRefusal = (items = []) =>
  items.filter(isText).some(({ content }) => (content ?? []).some((part) => part.type === "refusal"));

/** `randomUUID` exists only on https and localhost. */
export function newRequestId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
