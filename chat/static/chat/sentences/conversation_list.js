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

const number = new Intl.NumberFormat("en");

/** @param {number} count */
const conversations = (count) => (count === 1 ? "1 conversation" : `${number.format(count)} conversations`);

/** @param {number} count */
export const deleteAllQuestion = (count) => `Delete ${conversations(count)}?`;

/** @param {number} count */
export const deleteAllButton = (count) => `Delete ${conversations(count)}`;

/** How long deleted conversations are kept. @param {number} days 0: for ever */
export const keptText = (days) =>
  days
    ? `Running answers are stopped. What is deleted is erased from the server after ${number.format(days)} days.`
    : "Running answers are stopped. What is deleted stays on the server, hidden, until its operator erases it.";

/** @param {number} count */
export const deletedText = (count) => `${conversations(count)} deleted.`;

export const NOTHING_TO_DELETE = "There are no conversations to delete.";

/** @param {number} days that it is kept; 0: for ever */
export const deletedOneText = (days) => (days ? `Deleted. It is erased after ${number.format(days)} days.` : "Deleted.");
