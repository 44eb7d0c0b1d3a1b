/**
 * What the reader can do about an error. The server's own sentence says what happened. Pure.
 *
 * in:  the stable code of an error
 * out: a sentence for status_text.js; may be empty
 */

const AGAIN = "Try again; it may work now.";
const LATER = "Wait a moment, then try again.";
const OTHER = "Choose another model, or tell whoever runs this site.";
const SHORTER = "Make it shorter, then send it again.";

const ERROR_HELP = Object.freeze({
  upstream_unreachable: "Try again in a moment, or choose another model.",
  upstream_unauthorized: OTHER,
  upstream_not_found: OTHER,
  upstream_rejected: "The conversation may be too long for this model: start a new one, or choose another model.",
  rate_limit_exceeded: LATER,
  upstream_error: AGAIN,
  upstream_malformed: AGAIN,
  upstream_cut: "What came so far is kept. Try again for a whole answer.",
  timeout_connect: "Try again in a moment, or choose another model.",
  timeout_first_token: "Try again, or ask for something shorter.",
  timeout_between_tokens: "What came so far is kept. Try again for a whole answer.",
  timeout_total: "What came so far is kept. Ask for less at once.",
  model_removed: "Choose another model and try again.",
  queue_unavailable: LATER,
  worker_lost: "What came so far is kept. Try again; another worker takes it.",
  worker_error: AGAIN,
  empty_input: "Write something first.",
  input_too_long: SHORTER,
  frame_too_large: SHORTER,
  model_not_found: "Choose another model and try again.",
  response_not_found: "Reload the page to see how the conversation is now.",
  conversation_not_found: "It may have been deleted. Start a new conversation.",
  too_many_followed: "Close a tab or wait until an answer has ended, then try again.",
  unauthenticated: "Sign in, then try again.",
  busy: LATER,
});

export const helpFor = (error) => ERROR_HELP[error?.code] ?? "";
