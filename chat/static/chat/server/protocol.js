/**
 * The names of the wire protocol: the commands the page sends, the events it reads.
 *
 * in:  nothing
 * out: names, command builders and pure readers for the conversation room
 */

export const COMMAND = Object.freeze({
  create: "response.create",
  subscribe: "tailrace:subscribe",
  unsubscribe: "tailrace:unsubscribe",
  acknowledge: "tailrace:ack",
  cancel: "tailrace:cancel",
});

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
  error: "error",
});

export const STATUS = Object.freeze({
  queued: "queued",
  inProgress: "in_progress",
  completed: "completed",
  incomplete: "incomplete",
  failed: "failed",
  cancelled: "cancelled",
});

export const CLOSE_SIGNED_OUT = 4401;
export const CLOSE_TOO_LARGE = 1009; // the frame is larger than the server accepts: sending it again cannot help

const RUNNING = new Set([STATUS.queued, STATUS.inProgress]);

/** True for every status that is final. */
export const isEnded = (status) => !RUNNING.has(status);

export function createCommand({ input, model, previousId, conversationId, requestId, regenerateOf }) {
  const command = { type: COMMAND.create, stream_id: requestId };
  if (model) command.model = model;
  if (!regenerateOf) command.input = input; // else the server uses the input and previous id of that response
  if (previousId && !regenerateOf) command.previous_response_id = previousId;
  command.tailrace = { client_request_id: requestId };
  if (regenerateOf) command.tailrace.regenerate_of = regenerateOf;
  if (conversationId) command.tailrace.conversation_id = conversationId;
  return command;
}

/** `last` is the sequence number of the last applied event; with null the server returns a snapshot. */
export function subscribeCommand(responseId, last) {
  const command = { type: COMMAND.subscribe, response_id: responseId };
  if (last !== null) command.starting_after = last;
  return command;
}

export const unsubscribeCommand = (responseId) => ({ type: COMMAND.unsubscribe, response_id: responseId });

export const cancelCommand = (responseId) => ({ type: COMMAND.cancel, response_id: responseId });

/** The response an event belongs to, or null. Events about an item carry only the item's id. */
export function responseIdOf(event) {
  const itemId = event.item_id ?? event.item?.id;
  return event.response?.id ?? event.response_id ?? itemId?.replace(/^(msg|rs)_/, "") ?? null;
}

/** The two texts of a whole Response object: the answer and the reasoning before it. */
export function textsOf(response) {
  const texts = { message: "", reasoning: "" };
  for (const item of response.output ?? []) {
    if (item.type in texts) texts[item.type] += (item.content ?? []).map((part) => part.text ?? "").join("");
  }
  return { output: texts.message, reasoning: texts.reasoning };
}

/** An id for one ask. `crypto.randomUUID` exists only on https and localhost. */
export function newRequestId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
