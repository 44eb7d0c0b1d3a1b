/**
 * The keys that work anywhere on the page, and what each does. Pure.
 *
 * in:  a key event, or what matters of it
 * out: the name of the action, for page.js; the table that shortcuts_sheet.js shows
 */

/** `keys` in the order of the sheet; `words` say what it does. Single keys can be switched off in the sheet. */
export const SHORTCUTS = Object.freeze([
  { action: "compose", keys: ["c"], words: "Write a message" },
  { action: "create", keys: ["n"], words: "New conversation" },
  { action: "search", keys: ["/"], words: "Search conversations" },
  { action: "next", keys: ["j"], words: "Next conversation" },
  { action: "previous", keys: ["k"], words: "Previous conversation" },
  { action: "sidebar", keys: ["b"], words: "Show or hide the list" },
  { action: "stop", keys: ["s"], words: "Stop the answer" },
  { action: "undo", keys: ["z"], words: "Undo a deletion" },
  { action: "sheet", keys: ["?"], words: "This sheet" },
]);

/** What works at one place only, for the sheet. */
export const LOCAL_KEYS = Object.freeze([
  { keys: ["Enter"], words: "Send the message" },
  { keys: ["Shift", "Enter"], words: "Begin a line" },
  { keys: ["Esc"], words: "Stop the answer while writing; close what is open" },
  { keys: ["F2"], words: "Rename the conversation in focus" },
  { keys: ["Del"], words: "Delete the conversation in focus" },
]);

/** The action of a key, or null. `typing`: the focus is where keys make text. */
export function actionOf({ key, ctrlKey, metaKey, altKey, isComposing, typing }) {
  if (typing || isComposing || ctrlKey || metaKey || altKey) return null;
  return SHORTCUTS.find(({ keys }) => keys.includes(key))?.action ?? null;
}

/** Whether keys make text, or have a meaning of their own, in this element. */
export function isTyping(element) {
  return Boolean(element?.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]"));
}
