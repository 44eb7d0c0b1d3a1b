/** The list of conversations: groups, rows, menus, deletion. */

import { number } from "./locale.js";

export const PINNED = "Pinned";
export const TODAY = "Today";
export const YESTERDAY = "Yesterday";
export const EARLIER = "Earlier";

export const NONE_FOUND = "Nothing found.";
export const NONE_YET = "No conversations yet.";

export const UNTITLED = "Untitled";
export const TITLE = "Title";

/** After a title, for a screen reader. */
export const WAITING = ", waiting to be sent";
export const RUNNING = ", is being answered";
export const UNREAD = ", has a new answer";

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

/** @param {number} count */
const conversations = (count) => (count === 1 ? "1 conversation" : `${number(count)} conversations`);

/** @param {number} count */
export const deleteAllQuestion = (count) => `Delete ${conversations(count)}?`;

/** @param {number} count */
export const deleteAllButton = (count) => `Delete ${conversations(count)}`;

/** How long deleted conversations are kept. @param {number} days 0: for ever */
export const keptText = (days) =>
  days
    ? `Running answers are stopped. What is deleted is erased from the server after ${number(days)} days.`
    : "Running answers are stopped. What is deleted stays on the server, hidden, until its operator erases it.";

/** @param {number} count */
export const deletedText = (count) => `${conversations(count)} deleted.`;

export const NOTHING_TO_DELETE = "There are no conversations to delete.";

/** @param {number} days that it is kept; 0: for ever */
export const deletedOneText = (days) => (days ? `Deleted. It is erased after ${number(days)} days.` : "Deleted.");

export const DELETED_ELSEWHERE = "Deleted in another window.";
