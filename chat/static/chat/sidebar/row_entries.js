/** The entries of a conversation's menu, in their order. Pure. */

import { DELETE, PIN, RENAME, UNPIN } from "../sentences/conversation_list.js";

/** @param {MenuSubject} subject @returns {MenuEntry[]} */
export const entriesOf = ({ summary, on, rename }) => [
  { label: RENAME, act: rename },
  { label: summary.pinned_at ? UNPIN : PIN, act: () => on.pin(summary.id, !summary.pinned_at) },
  { label: DELETE, act: (byKeyboard) => on.remove(summary.id, byKeyboard) },
];
