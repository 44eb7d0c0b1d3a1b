/** The keyboard shortcuts. Pure. */

import { KEY, LOCAL, SHORTCUT } from "../sentences/shell.js";

/** In the order of the sheet. @type {readonly Shortcut[]} */
export const SHORTCUTS = Object.freeze([
  { action: "compose", keys: ["c"], text: SHORTCUT.compose },
  { action: "create", keys: ["n"], text: SHORTCUT.create },
  { action: "search", keys: ["/"], text: SHORTCUT.search },
  { action: "next", keys: ["j"], text: SHORTCUT.next },
  { action: "previous", keys: ["k"], text: SHORTCUT.previous },
  { action: "sidebar", keys: ["b"], text: SHORTCUT.sidebar },
  { action: "stop", keys: ["s"], text: SHORTCUT.stop },
  { action: "undo", keys: ["z"], text: SHORTCUT.undo },
  { action: "sheet", keys: ["?"], text: SHORTCUT.sheet },
]);

const isMac = /Mac|iP/.test(globalThis.navigator?.platform ?? "");

/** Keys that work in one place only, and one that works everywhere. */
export const LOCAL_KEYS = Object.freeze([
  { keys: [isMac ? KEY.command : KEY.control, "K"], text: LOCAL.search },
  { keys: [KEY.enter], text: LOCAL.send },
  { keys: [KEY.shift, KEY.enter], text: LOCAL.line },
  { keys: [KEY.escape], text: LOCAL.stop },
  { keys: ["↑"], text: LOCAL.edit },
  { keys: ["↓", "↑", KEY.home, KEY.end], text: LOCAL.move },
  { keys: ["→"], text: LOCAL.menu },
  { keys: ["F2"], text: LOCAL.rename },
  { keys: [KEY.remove], text: LOCAL.remove },
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
