/** A line of the list of conversations, as the server tells it. */
export const summary = (id, updated_at = 1, more = {}) => ({
  id,
  title: `about ${id}`,
  updated_at,
  running: false,
  unread: false,
  ...more,
});
