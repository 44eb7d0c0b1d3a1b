/** Keeps the columns of a long table: else the browser lays out all its rows for each new one. */

const ROWS = 30; // they decide how wide the columns are

/** @param {HTMLElement} body of the table, or a list */
export function keepColumns(body) {
  const table = body.parentElement;
  if (!(table instanceof HTMLTableElement) || table.rows.length < ROWS || table.style.tableLayout) return;
  const cells = [...table.rows[0].cells];
  const widths = [table, ...cells].map((each) => each.getBoundingClientRect().width);
  if (!widths[0]) return; // it is hidden
  table.style.tableLayout = "fixed";
  [table, ...cells].forEach((each, index) => {
    each.style.width = `${widths[index]}px`;
  });
}
