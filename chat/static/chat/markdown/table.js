/**
 * The DOM of a table whose rows arrive one after the other.
 *
 * in:  the table as it grows
 * out: its elements for markdown_nodes.js
 */

import { element } from "../dom/elements.js";

const COLUMN_REM = 7; // the narrowest column of a table; without room for it the table scrolls

/** A table in a frame: a wide one scrolls inside it, also by keyboard. */
export function framedTable() {
  const table = element("table");
  const frame = element("div", "table-frame");
  Object.assign(frame, { tabIndex: 0, ariaLabel: "Table" });
  frame.setAttribute("role", "group");
  frame.append(table);
  return { frame, table };
}

/** The first row is the head of its table. It is added when complete: each cell makes the others narrower. */
export function addRow(table) {
  const row = element("tr");
  if (table.childElementCount === 1) table.append(element("tbody"));
  if (table.childElementCount) table.lastElementChild.append(row);
  return row;
}

/** The head row is complete: fix the widths of the columns, so that later cells do not move them. */
export function setHead(table, row) {
  const head = element("thead");
  head.append(row);
  table.append(head);
  table.style.tableLayout = "fixed";
  table.style.width = `max(100%, ${row.childElementCount * COLUMN_REM}rem)`;
}
