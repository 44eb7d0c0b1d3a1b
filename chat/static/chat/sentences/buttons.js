/** The words on buttons, and the accessible names of those whose word is not enough. */

export const SEND = "Send";
export const QUEUE = "Send after this answer";
export const EDIT = "Edit";
export const CANCEL = "Cancel";
export const REMOVE = "Remove";
export const RETRY = "Retry";
export const REGENERATE = "Regenerate";

export const COPY = "Copy";
export const COPIED = "Copied";
export const NOT_COPIED = "Not copied";
export const COPY_QUESTION = "Copy your message";
export const COPY_ANSWER = "Copy this answer as Markdown";

export const PREVIOUS_VERSION = "Previous version";
export const NEXT_VERSION = "Next version";

export const SHOW_LESS = "Show less";

/** Of a pasted text. @param {string} name */
export const editLabel = (name) => `Edit: ${name}`;

/** Of a pasted text. @param {string} name */
export const removeLabel = (name) => `Remove: ${name}`;

/** Of a file. @param {string} name */
export const retryFileLabel = (name) => `Upload ${name} again`;

/** Of a file. @param {string} name */
export const removeFileLabel = (name) => `Remove ${name}`;
