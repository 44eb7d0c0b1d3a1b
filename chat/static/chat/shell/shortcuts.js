/** The keyboard shortcuts. Pure. */

/** In the order of the sheet. @type {readonly Shortcut[]} */
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

/** Keys that work in one place only. */
export const LOCAL_KEYS = Object.freeze([
  { keys: ["Enter"], text: "Send the message" },
  { keys: ["Shift", "Enter"], text: "Begin a line" },
  { keys: ["Esc"], text: "Stop the answer while writing; close the open panel" },
  { keys: ["F2"], text: "Rename the conversation in focus" },
  { keys: ["Del"], text: "Delete the conversation in focus" },
]);

/** The action of a key, or null. @param {Press} press */
export function actionOf({ key, ctrlKey, metaKey, altKey, isComposing, typing }) {
  if (typing || isComposing || ctrlKey || metaKey || altKey) return null;
  return SHORTCUTS.find(({ keys }) => keys.includes(key))?.action ?? null;
}

/** Whether this element uses the keys itself. @param {EventTarget | null} target */
export function isTyping(target) {
  const typing = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  return target instanceof Element && target.closest(typing) !== null;
}
