/** A conversation of the list, as the server sends it. */
export const summary = (id, updated_at = 1, more = {}) => ({
  id,
  title: `about ${id}`,
  updated_at,
  running: false,
  unread: false,
  ...more,
});

/** A response of a conversation, as the server sends it. */
export const row = (id, status = "completed", previous = null) => {
  return { id, status, previous_response_id: previous, input: "hi", output_text: "", reasoning_text: "" };
};
