/**
 * The keyboard shortcuts of the page and the table for their sheet. Pure.
 *
 * in:  the fields of a key event
 * out: the name of the action, for page.js; the table for shortcuts_sheet.js
 */

/** In the order of the sheet, where single keys can be switched off. */
export const SHORTCUTS = Object.freeze([
  { action: "compose", keys: ["c"], text: "Write a message" },
  { action: "create", keys: ["n"], text: "New conversation" },
  { action: "search", keys: ["/"], text: "Search conversations" },
  { action: "next", keys: ["j"], text: "Next conversation" },
  { action: "previous", keys: ["k"], text: "Previous conversation" },
  { action: "sidebar", keys: ["b"], text: "Show or hide the list" },
  { action: "stop", keys: ["s"], text: "Stop the answer" },
  { action: "undo", keys: ["z"], text: "Undo a deletion" },
  { action: "sheet", keys: ["?"], text: "This sheet" },
]);

/** Keys that work in one place only, for the sheet. */
export const LOCAL_KEYS = Object.freeze([
  { keys: ["Enter"], text: "Send the message" },
  { keys: ["Shift", "Enter"], text: "Begin a line" },
  { keys: ["Esc"], text: "Stop the answer while writing; close what is open" },
  { keys: ["F2"], text: "Rename the conversation in focus" },
  { keys: ["Del"], text: "Delete the conversation in focus" },
]);

/** The action of a key, or null. `typing`: the focus is in a field that takes text. */
export function actionOf({ key, ctrlKey, metaKey, altKey, isComposing, typing }) {
  if (typing || isComposing || ctrlKey || metaKey || altKey) return null;
  return SHORTCUTS.find(({ keys }) => keys.includes(key))?.action ?? null;
}

/** Whether keys type text, or have their own meaning, in this element. */
export function isTyping(element) {
  return Boolean(element?.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]"));
}
