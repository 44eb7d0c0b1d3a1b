/** Groups rows: pinned ones, the others by day. Pure. */

import { EARLIER, PINNED, TODAY, YESTERDAY } from "../sentences/list.js";

const NAMES = [PINNED, TODAY, YESTERDAY, EARLIER];

/** The local midnight `back` days earlier. @param {number} now @param {number} back */
function midnight(now, back) {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - back); // not 24 hours: one day in spring has 23
  return day.getTime();
}

/**
 * `now` is in ms. The server's clock may be ahead: the future counts as today.
 * @template {{ updated_at: number, pinned_at?: number | null }} Row
 * @param {Row[]} rows
 * @param {number} now
 */
export function byDay(rows, now) {
  const [today, yesterday] = [midnight(now, 0), midnight(now, 1)];
  const groups = NAMES.map((name) => ({ name, rows: /** @type {Row[]} */ ([]) }));
  for (const row of rows) {
    const then = row.updated_at * 1000;
    groups[row.pinned_at ? 0 : then >= today ? 1 : then >= yesterday ? 2 : 3].rows.push(row);
  }
  return groups.filter((group) => group.rows.length);
}
