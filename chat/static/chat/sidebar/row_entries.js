/** The entries of a conversation's menu, in their order. Pure. */

import { DELETE, RENAME } from "../sentences/conversation_list.js";

/** @param {MenuSubject} subject @returns {MenuEntry[]} */
export const entriesOf = ({ summary, on, rename }) => [
  { label: RENAME, act: rename },
  { label: DELETE, act: (byKeyboard) => on.remove(summary.id, byKeyboard) },
];
