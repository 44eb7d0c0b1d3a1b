/** The entries of a conversation's menu, in their order. Pure. */

import { DELETE, EXPORT_JSON, EXPORT_MARKDOWN, PIN, RENAME, UNPIN } from "../sentences/list.js";

/** @param {MenuSubject} subject @returns {MenuEntry[]} */
export const entriesOf = ({ summary, href, on, rename }) => [
  { label: RENAME, act: rename },
  { label: summary.pinned_at ? UNPIN : PIN, act: () => on.pin(summary.id, !summary.pinned_at) },
  { label: EXPORT_MARKDOWN, href: `${href}export.md` },
  { label: EXPORT_JSON, href: `${href}export.json` },
  { label: DELETE, act: (byKeyboard) => on.remove(summary.id, byKeyboard) },
];
