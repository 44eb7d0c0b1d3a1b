import assert from "node:assert/strict";

/** A conversation of the list. @param {string} id @param {Partial<Summary>} more @returns {Summary} */
export const summary = (id, updated_at = 1, more = {}) => ({
  id,
  title: `about ${id}`,
  updated_at,
  running: false,
  unread: false,
  pinned_at: null,
  ...more,
});

/**
 * A response of a conversation.
 * @param {string} id
 * @param {Status} status
 * @param {string | null} previous
 * @param {Partial<ResponseRow>} more
 * @returns {ResponseRow}
 */
export const row = (id, status = "completed", previous = null, more = {}) => ({
  id,
  status,
  previous_response_id: previous,
  input: "hi",
  attachments: [],
  output: [],
  error: null,
  incomplete_details: null,
  model: "m",
  usage: null,
  omitted_turns: 0,
  created_at: 0,
  started_at: null,
  first_token_at: null,
  ended_at: null,
  ...more,
});

/** Output items with these texts. @param {string} text @param {string} [reasoning] @returns {OutputItem[]} */
export const items = (text, reasoning = "") => [
  { type: "reasoning", content: [{ type: "reasoning_text", text: reasoning }] },
  { type: "message", content: [{ type: "output_text", text }] },
];

/** The response of an accepted turn. @param {Turn} turn */
export function responseOf({ response }) {
  assert.ok(response);
  return response;
}
