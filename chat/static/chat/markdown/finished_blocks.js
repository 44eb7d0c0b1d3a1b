/** Decides which blocks of a growing text are finished: nothing that follows can change them. Pure. */

/**
 * How many blocks are finished.
 * @param {Block[]} blocks
 * @param {string} text
 * @param {boolean} over
 */
export function finishedCount(blocks, text, over) {
  if (over) return blocks.length;
  let ready = 0;
  for (let index = 1; index < blocks.length; index += 1) {
    if (isCertain(blocks[index], text) && !mayExtend(blocks, index, text)) ready = index;
  }
  return ready;
}

/**
 * The block is what it seems to be: its first two lines are complete, because part of a line may make the line before it a heading,
 * the head of a table, or no continuation of a paragraph. Text behind a formula makes it none.
 * @param {Block} block
 * @param {string} text
 */
function isCertain({ token, start }, text) {
  if (!token.raw.trim()) return false; // space that the item before has lost
  if (token.type === "formula") return !token.open && text.indexOf("\n", start + token.raw.trimEnd().length) >= 0;
  const line = text.indexOf("\n", start);
  return line >= 0 && text.indexOf("\n", line + 1) >= 0;
}

/** A definition may continue in the next line with its title. @param {Block[]} blocks @param {number} index @param {string} text */
function mayExtend(blocks, index, text) {
  const before = blocks[index - 1];
  const isLast = index === blocks.length - 1;
  return isLast && before.token.type === "def" && !/\n[ \t]*\n/.test(text.slice(before.start, blocks[index].start));
}

/** The labels in brackets, as definitions have them. @param {string} text */
export function labelsOf(text) {
  const found = text.matchAll(/\[((?:\\.|[^[\]\\])+)\]/gs);
  return new Set(
    Array.from(found, ([, label]) => label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase().toLowerCase()),
  );
}
