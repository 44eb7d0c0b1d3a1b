/**
 * Groups the rows of the list by day, for its headings. Pure.
 *
 * in:  rows, newest first, with `updated_at` in Unix seconds; the time now in ms
 * out: non-empty groups for conversation_list_view.js
 */

const NAMES = ["Today", "Yesterday", "Earlier"];

/** The local midnight that began the day `back` days before this time. */
function midnight(now, back) {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - back); // not 24 hours: a day in spring has 23
  return day.getTime();
}

/** `[{ name, rows }]`, each row in its group. The server's clock may be ahead: the future counts as today. */
export function byDay(rows, now) {
  const [today, yesterday] = [midnight(now, 0), midnight(now, 1)];
  const groups = NAMES.map((name) => ({ name, rows: [] }));
  for (const row of rows) {
    const then = row.updated_at * 1000;
    groups[then >= today ? 0 : then >= yesterday ? 1 : 2].rows.push(row);
  }
  return groups.filter((group) => group.rows.length);
}
