/** The sentences of the list of conversations. */

export const RENAME = "Rename";
export const PIN = "Pin";
export const UNPIN = "Unpin";
export const EXPORT_MARKDOWN = "Export as Markdown";
export const EXPORT_JSON = "Export as JSON";
export const DELETE = "Delete";

/** The button of a row's menu. @param {string} title */
export const actionsOf = (title) => `Actions for “${title}”`;

/** Before the excerpt of a search result. @param {"question" | "answer"} side */
export const sideOf = (side) => (side === "question" ? "You:" : "Answer:");
