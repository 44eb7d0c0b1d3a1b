/** The parts of a block that finish one by one: items of a list, rows of a table, parts of a long paragraph. Pure. */

import { definitionsIn, kidsOf } from "./reader.js";

/** A part is certain once its first line is complete. @param {string} text @param {number} start */
const hasLine = (text, start) => text.indexOf("\n", start) >= 0;

/**
 * Null: the block is read as a whole. `starts` count from the beginning of the block.
 * @param {MarkedToken} token
 * @param {Tree[]} trees
 * @returns {InnerParts | null}
 */
export function innerParts(token, trees) {
  if (token.type === "list") return listParts(/** @type {ListToken} */ (token));
  if (token.type === "table") return tableParts(/** @type {TableToken} */ (token));
  if (token.type === "paragraph" && trees.length > 1) return partsOfParagraph(/** @type {MarkedParagraph} */ (token));
  return null;
}

/** @param {ListToken} token @returns {InnerParts} */
function listParts({ items }) {
  const starts = [];
  let start = 0;
  for (const { raw } of items) {
    starts.push(start);
    start += raw.length;
  }
  const inside = (/** @type {HTMLElement} */ top) => ({ container: top, prefix: "", kidsOf });
  const defines = items.map((item) => definitionsIn([item]));
  return { starts, texts: items.map(textOf), defines, loosens: items.map(loosens), isOpenAt: hasLine, inside };
}

/** An item that is read again as before: with another behind it, because marked trims the last. @param {MarkedListItem} item */
function textOf({ raw }) {
  const [marker] = /** @type {RegExpExecArray} */ (/^ *(?:[*+-]|\d+[.)])/.exec(raw));
  return raw.endsWith("\n") ? `${raw}${marker}\n` : raw;
}

/** Whether an item makes the list loose once another follows. @param {MarkedListItem} item */
function loosens({ raw, tokens }) {
  return /\n[ \t]*\n[ \t]*$/.test(raw) || tokens.some((token) => token.type === "space" && /\n.*\n/.test(token.raw));
}

/** The head and the body of a table in its frame. @param {Tree} frame */
function sectionsOf(frame) {
  const [table] = /** @type {Tree[]} */ (kidsOf(frame));
  return /** @type {Tree[]} */ (kidsOf(table));
}

/** The head of a table in its frame. @param {Tree} frame */
export const headOf = (frame) => sectionsOf(frame)[0];

/** @param {TableToken} token @returns {InnerParts} */
function tableParts({ raw }) {
  const lines = raw.replace(/\n+$/, "").split("\n");
  const prefix = `${lines.slice(0, 2).join("\n")}\n`;
  const texts = lines.slice(2);
  const starts = [];
  let start = prefix.length;
  for (const text of texts) {
    starts.push(start);
    start += text.length + 1;
  }
  const rowsOf = (/** @type {Tree} */ frame) => {
    const [, body] = sectionsOf(frame);
    return body ? kidsOf(body) : [];
  };
  const inside = (/** @type {HTMLElement} */ top) => ({
    container: /** @type {HTMLElement} */ (top.querySelector("tbody")),
    prefix,
    kidsOf: rowsOf,
  });
  return { starts, texts, defines: [], loosens: [], isOpenAt: hasLine, inside };
}

/** @param {MarkedParagraph} token @returns {InnerParts | null} */
function partsOfParagraph({ raw, tokens }) {
  const parts = /** @type {PartToken[]} */ (tokens ?? []);
  const last = parts[parts.length - 1];
  const text = parts.map((part) => part.raw).join("");
  if (!raw.startsWith(text.slice(0, text.length - last.raw.length))) return null;
  const starts = [];
  let start = 0;
  for (const part of parts) {
    starts.push(start);
    start += part.raw.length;
  }
  const texts = parts.map((part) => part.raw.slice(0, part.raw.length - part.gap.length));
  return { starts, texts, defines: [], loosens: [], isOpenAt: () => true, inside: null };
}
