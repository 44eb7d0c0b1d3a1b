/** The code of a block, byte for byte as the model wrote it. Pure: marked expands tabs and replaces line ends. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const SPACES = " \t\r\n"; // of Markdown; every other space is a character of the code

/** Whether a line ends a fence. @param {string} line @param {string} fence */
export function closes(line, fence) {
  const [, marks = ""] = /^ {0,3}(`+|~+) *$/.exec(line) ?? [];
  return marks[0] === fence[0] && marks.length >= fence.length;
}

/** Whether a line without its end may become the end of a fence. @param {string} line @param {string} fence */
export function mayClose(line, fence) {
  const [, marks = null] = /^ {0,3}(`*|~*) *$/.exec(line) ?? [];
  return marks !== null && (!marks || marks[0] === fence[0]);
}

/** Take up to `indent` spaces from a line. @param {string} line @param {number} indent */
export function dedent(line, indent) {
  let at = 0;
  while (at < indent && line[at] === " ") at += 1;
  return line.slice(at);
}

/** The fence that a source opens with. @param {string} source */
export function openingFence(source) {
  const [all = "", fence = ""] = FENCE.exec(source) ?? [];
  return { fence, indent: all.length - fence.length };
}

/**
 * The content of a fenced block, and whether its end is there.
 * @param {string} raw the block without the marks of its containers
 * @param {boolean} mayGrow whether the last line may continue
 */
export function fencedCode(raw, mayGrow) {
  const { fence, indent } = openingFence(raw);
  const [, ...lines] = raw.split("\n");
  const atLineEnd = lines.at(-1) === "";
  if (atLineEnd) lines.pop();
  const last = lines.at(-1) ?? "";
  const ended = lines.length > 0 && closes(last, fence);
  if (ended || (mayGrow && !atLineEnd && mayClose(last, fence))) lines.pop();
  return { lines: lines.map((line) => dedent(line, indent)), ended: ended && !(mayGrow && !atLineEnd) };
}

/**
 * Give each block of code in lists and quotations, and each indented one, the lines of the source, with their tabs and line ends.
 * @param {MarkedToken[]} tokens in their order
 * @param {string} source
 */
export function attachSource(tokens, source) {
  if (!/[\t\r]/.test(source)) return;
  const lines = source.split(/(?<=\r\n|\n|\r(?!\n))/);
  const trimmed = lines.map(trimEnd);
  let at = 0;
  for (const { token, quotations } of codes(tokens)) {
    const raw = trimEnd(token.raw).split("\n").map(trim);
    const found = lines.findIndex((_, index) => index >= at && holds(trimmed, index, raw));
    if (found < 0) continue;
    at = found + 1;
    token.source = { lines: lines.slice(token.codeBlockStyle === "indented" ? found : at), quotations };
  }
}

/** Whether the lines from a place on are those of a block, behind the marks of its containers. @type {HoldsLines} */
function holds(lines, start, raw) {
  const marks = lines[start].slice(0, lines[start].length - raw[0].length);
  if (/[^ \t>*+\-\d.)]/.test(marks)) return false;
  return raw.every((line, index) => (lines[start + index] ?? "").endsWith(line));
}

/** Without the spaces at its end. @param {string} text */
function trimEnd(text) {
  let end = text.length;
  while (end && SPACES.includes(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

/** Without the spaces around it. @param {string} line */
const trim = (line) => trimEnd(line.slice(indentOf(line)));

/** How many spaces and tabs a line begins with. @param {string} line */
const indentOf = (line) => /^[ \t]*/.exec(line)?.[0].length ?? 0;

/** @param {MarkedToken[]} tokens @returns {Iterable<{ token: CodeToken, quotations: number }>} `quotations`: those around it */
function* codes(tokens, quotations = 0) {
  for (const token of tokens) {
    if (token.type === "code") yield { token: /** @type {CodeToken} */ (token), quotations };
    else if (token.type === "list") yield* codes(token.items, quotations);
    else if (token.type === "list_item" && token.tokens) yield* codes(token.tokens, quotations);
    else if (token.type === "blockquote" && token.tokens) yield* codes(token.tokens, quotations + 1);
  }
}

/**
 * The text of a block from its lines and those of the source.
 * @param {string[]} lines
 * @param {CodeToken["source"]} source
 */
export function codeText(lines, source) {
  if (!source) return lines.join("\n");
  let text = "";
  lines.forEach((line, index) => {
    const [, whole = "", end = "\n"] = /^(.*?)(\r?\n|\r|)$/s.exec(source.lines[index] ?? "") ?? [];
    text += exactLine(line, whole, source.quotations) + (index < lines.length - 1 ? end || "\n" : "");
  });
  return text;
}

/**
 * The end of the source's line that is as wide as the line, whose tabs may be expanded, as if the text of the innermost
 * quotation began at the first column.
 * @param {string} line
 * @param {string} source
 * @param {number} quotations
 */
function exactLine(line, source, quotations) {
  const indent = indentOf(line);
  const content = line.slice(indent);
  if (source.endsWith(line) || !source.endsWith(content)) return line;
  const [marks = ""] = new RegExp(String.raw`^(?:[ \t]*>[ \t]?){${quotations}}`).exec(source) ?? [];
  const begins = source.length - content.length;
  const columns = [0];
  for (const char of source.slice(marks.length, begins)) {
    const column = columns[columns.length - 1];
    columns.push(char === "\t" ? column + 4 - (column % 4) : column + 1);
  }
  const at = columns.indexOf(columns[columns.length - 1] - indent);
  const exact = at < 0 ? line : source.slice(marks.length + at);
  return indentOf(exact) === exact.length - content.length ? exact : line;
}
