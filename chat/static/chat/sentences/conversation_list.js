/** The sentences of the list of conversations. */

export const RENAME = "Rename";
export const PIN = "Pin";
export const UNPIN = "Unpin";
export const DELETE = "Delete";

/** The button of a row's menu. @param {string} title */
export const actionsOf = (title) => `Actions for “${title}”`;
