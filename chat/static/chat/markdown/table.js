/** A table whose rows arrive one by one. */

import { element } from "../dom/elements.js";

const COLUMN_REM = 7; // the narrowest column; a table without room scrolls

/** A wide table scrolls inside its frame, also by keyboard. */
export function framedTable() {
  const table = element("table");
  const frame = element("div", "table-frame");
  Object.assign(frame, { tabIndex: 0, ariaLabel: "Table" });
  frame.setAttribute("role", "group");
  frame.append(table);
  return { frame, table };
}

/** The first row, the head, is added when complete: each cell makes the others narrower. @param {HTMLElement} table */
export function addRow(table) {
  const row = element("tr");
  if (table.childElementCount === 1) table.append(element("tbody"));
  table.lastElementChild?.append(row);
  return row;
}

/**
 * The head row is complete: fix the columns, so that later cells do not move them.
 * @param {HTMLElement} table
 * @param {HTMLElement} row
 */
export function setHead(table, row) {
  const head = element("thead");
  head.append(row);
  table.append(head);
  table.style.tableLayout = "fixed";
  table.style.width = `max(100%, ${row.childElementCount * COLUMN_REM}rem)`;
}
