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

const isMac = /Mac|iP/.test(globalThis.navigator?.platform ?? "");

/** Keys that work in one place only, and one that works everywhere. */
export const LOCAL_KEYS = Object.freeze([
  { keys: [isMac ? "⌘" : "Ctrl", "K"], text: "Search conversations, also while writing" },
  { keys: ["Enter"], text: "Send the message; while an answer runs, after it" },
  { keys: ["Shift", "Enter"], text: "Begin a line" },
  { keys: ["Esc"], text: "Stop the answer while writing; close the open panel" },
  { keys: ["↑"], text: "Edit the last question, while the message is empty" },
  { keys: ["↓", "↑", "Home", "End"], text: "Move in the list of conversations" },
  { keys: ["→"], text: "Menu of the conversation in focus" },
  { keys: ["F2"], text: "Rename the conversation in focus" },
  { keys: ["Del"], text: "Delete the conversation in focus" },
]);

/** Whether Ctrl, or ⌘ on a Mac, is held, and no other key. @param {Press} press */
const isCommand = ({ ctrlKey, metaKey, altKey, shiftKey }) =>
  Boolean(isMac ? metaKey && !ctrlKey : ctrlKey && !metaKey) && !altKey && !shiftKey;

/** The action of a key, or null. @param {Press} press */
export function actionOf(press) {
  const { key, ctrlKey, metaKey, altKey, isComposing, typing, single = true } = press;
  if (isCommand(press) && key === "k" && !isComposing) return "search";
  if (!single) return null;
  if (typing || isComposing || ctrlKey || metaKey || altKey) return null;
  return SHORTCUTS.find(({ keys }) => keys.includes(key))?.action ?? null;
}

/** Whether this element uses the keys itself. @param {EventTarget | null} target */
export function isTyping(target) {
  const typing = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  return target instanceof Element && target.closest(typing) !== null;
}
