/** Errors, and their remedies. */

export const WRONG = "Something went wrong.";
export const UNAVAILABLE = "The server is unavailable. Try again in a moment.";
export const NOT_FOUND = "This conversation was deleted, or it belongs to another user.";
export const REJECTED = "The server rejected the request.";
export const INPUT_TOO_LONG = "The input is too long to send.";

/** @param {string} fault */
export const notSentText = (fault) => `Not sent. ${fault}`;

const AGAIN = "Try again; it may work now.";
const LATER = "Wait a moment, then try again.";
const OTHER = "Choose another model, or contact the operator of this site.";
const FEWER = "Delete conversations with files, then try again.";
const SHORTER = "Make it shorter, then send it again.";

/** The remedy, by the code of an error; the server's sentence explains it. @type {Readonly<Record<string, string>>} */
export const HELP = Object.freeze({
  upstream_unreachable: "Try again in a moment, or choose another model.",
  upstream_unauthorized: OTHER,
  upstream_not_found: OTHER,
  upstream_wrong_address: OTHER,
  upstream_rejected: OTHER,
  upstream_no_credit: OTHER,
  context_length_exceeded: "Start a new conversation, or choose a model with a larger context.",
  rate_limit_exceeded: LATER,
  upstream_error: AGAIN,
  upstream_malformed: AGAIN,
  empty_answer: AGAIN,
  upstream_cut: "The text so far is kept. Try again for the whole answer.",
  timeout_connect: "Try again in a moment, or choose another model.",
  timeout_first_token: "Try again, or ask for something shorter.",
  timeout_between_tokens: "The text so far is kept. Try again for the whole answer.",
  timeout_total: "The text so far is kept. Ask for less at once.",
  model_removed: "Choose another model and try again.",
  program_unusable: OTHER,
  files_unavailable: "Try again in a moment, or contact the operator of this site.",
  queue_unavailable: LATER,
  worker_lost: "The text so far is kept. Try again; another worker takes over.",
  worker_error: AGAIN,
  empty_input: "Write something first.",
  empty_file: "Choose another file.",
  input_too_long: SHORTER,
  input_exceeds_context: "Make it shorter, or choose a model with a larger context.",
  settings_too_long: SHORTER,
  frame_too_large: SHORTER,
  model_not_found: "Choose another model and try again.",
  response_not_found: "Reload the page to see the current conversation.",
  file_not_found: "Remove the file, and add it again.",
  file_in_use: "Delete the conversation that has it.",
  file_too_large: "Add a smaller copy, or a part of it.",
  too_large_together: "Remove some files, and send them with another question.",
  unsupported_file: "Convert it, then add it again.",
  too_many_files: FEWER,
  too_many_file_bytes: FEWER,
  conversation_not_found: "It may have been deleted. Start a new conversation.",
  too_many_followed: "Close a tab or wait until an answer ends, then try again.",
  unauthenticated: "Sign in, then try again.",
  too_many_sockets: "Close other tabs of this site, then reload.",
  slow_down: LATER,
  too_many_waiting: "Wait for one of your answers, or stop one, then try again.",
  busy: LATER,
});
