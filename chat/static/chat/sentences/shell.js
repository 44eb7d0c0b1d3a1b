/** The frame of the page: its title, notifications, shortcuts. */

export const SITE = "Tailrace";

/** Of the document. @param {string} title of the conversation */
export const pageTitle = (title) => `${title} · ${SITE}`;

export const EARLIER_SHOWN = "Earlier turns are shown.";

/** Of a notification. */
export const ANSWER_READY = "The answer is ready.";
export const UNTITLED = "A conversation";

/** The names of keys, as they stand on a keyboard. */
export const KEY = {
  command: "⌘",
  control: "Ctrl",
  shift: "Shift",
  enter: "Enter",
  escape: "Esc",
  home: "Home",
  end: "End",
  remove: "Del",
};

/** Shortcuts that work everywhere, by action. */
export const SHORTCUT = {
  compose: "Write a message",
  create: "New conversation",
  search: "Search conversations",
  next: "Next conversation",
  previous: "Previous conversation",
  sidebar: "Show or hide the list",
  stop: "Stop the answer",
  undo: "Undo a deletion",
  sheet: "This sheet",
};

/** Keys that work in one place only. */
export const LOCAL = {
  search: "Search conversations, also while writing",
  send: "Send the message; while an answer runs, after it",
  line: "Begin a line",
  stop: "Stop the answer while writing; close the open panel",
  edit: "Edit the last question, while the message is empty",
  move: "Move in the list of conversations",
  menu: "Menu of the conversation in focus",
  rename: "Rename the conversation in focus",
  remove: "Delete the conversation in focus",
};
