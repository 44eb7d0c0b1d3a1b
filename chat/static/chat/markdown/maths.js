/**
 * Extensions of marked: formulas between `$$`, `\[ \]`, `\( \)` and `$`. Pure. A single dollar is strict, because prices and
 * shell variables have it, too: on one line, no space inside next to it, no letter or digit outside next to it.
 */

const BLANK_LINE = /\n[ \t]*\n/;
const REST_OF_LINE = /^[ \t]*(?:\n|$)/;
const DOLLARS = /^\$(?=[^\s$])((?:\\[^\n]|[^\\\n$])+)\$(?![\p{L}\p{N}$])/u;
const PRICE = /^\d[\d.,]*\s+\p{L}{2}/u;
const WORD_BEFORE = /[\p{L}\p{N}$]$/u;
/** @type {Record<string, string>} */
const CLOSERS = { $$: "$$", "\\[": "\\]", "\\(": "\\)" };
// formulas, hidden from emphasis; code and escapes come first
const MASKED =
  /(?<other>(`+)(?!`).*?[^`]\2(?!`)|\\[^([])|\\\(.+?\\\)|\\\[.+?\\\]|\$\$.+?\$\$|(?<![\p{L}\p{N}$])\$(?=[^\s$])(?:\\[^\n]|[^\\\n$])*[^\s\\$]\$(?![\p{L}\p{N}$])/gsu;

/**
 * A formula at the start of the text, between delimiters of two characters.
 * @param {string} text
 * @param {number} indent
 * @returns {FormulaToken | undefined}
 */
function delimited(text, indent) {
  const opener = text.slice(indent, indent + 2);
  const closer = CLOSERS[opener];
  if (!closer) return undefined;
  const end = text.indexOf(closer, indent + 2);
  const source = text.slice(indent + 2, end);
  if (end < 0 || !source.trim() || BLANK_LINE.test(source)) return undefined;
  return { type: "formula", raw: text.slice(0, end + 2), source, display: opener !== "\\(", open: false };
}

/** Formulas on separate lines. @param {string} text @returns {FormulaToken | undefined} */
export function blockFormula(text) {
  const indent = text.search(/[^ ]/);
  if (indent < 0 || indent > 3 || text.startsWith("\\(", indent)) return undefined;
  const token = delimited(text, indent);
  const rest = token && REST_OF_LINE.exec(text.slice(token.raw.length));
  return token && rest ? { ...token, raw: token.raw + rest[0] } : undefined;
}

/**
 * The beginning of a formula at the end of the text so far: what follows may close it.
 * @param {string} text
 * @returns {FormulaToken | undefined}
 */
export function openFormula(text) {
  const opener = /^ {0,3}(\$\$|\\\[)/.exec(text);
  if (!opener || text.includes(CLOSERS[opener[1]], opener[0].length) || BLANK_LINE.test(text)) return undefined;
  return { type: "formula", raw: text, source: "", display: true, open: true };
}

/** Where the next line may begin a formula, which ends a paragraph. @param {string} text */
export const blockStart = (text) => text.search(/(?<=\n {0,3})(?:\$\$|\\\[)/);

/** @param {string} text @param {string} before @returns {FormulaToken | undefined} */
export function inlineFormula(text, before) {
  if (text[0] === "\\" || text.startsWith("$$")) return delimited(text, 0);
  const match = text[0] === "$" && !WORD_BEFORE.test(before) && DOLLARS.exec(text);
  if (!match || /\s$/.test(match[1]) || PRICE.test(match[1])) return undefined;
  return { type: "formula", raw: match[0], source: match[1], display: false, open: false };
}

/**
 * Hide the formulas in `text` from the search for emphasis.
 * @param {string} text the end of the paragraph
 * @param {string} masked the whole paragraph, as long, with other parts hidden
 */
export function maskFormulas(text, masked) {
  if (!text.includes("$") && !/\\[([]/.test(text)) return masked;
  const start = masked.length - text.length;
  let made = masked;
  for (const match of text.matchAll(MASKED)) {
    if (match.groups?.other) continue;
    const at = start + match.index;
    made = made.slice(0, at) + "a".repeat(match[0].length) + made.slice(at + match[0].length);
  }
  return made;
}
