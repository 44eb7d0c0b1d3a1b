/** The code of a block, byte for byte as the model wrote it. Pure: marked expands tabs and replaces line ends. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

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
  let at = 0;
  for (const token of codes(tokens)) {
    const raw = token.raw.trimEnd().split("\n");
    const found = lines.findIndex((_, index) => index >= at && holds(lines, index, raw));
    if (found < 0) continue;
    at = found + 1;
    token.sourceLines = lines.slice(token.codeBlockStyle === "indented" ? found : at);
  }
}

/** Whether the lines from a place on are those of a block, behind the marks of its containers. @type {HoldsLines} */
function holds(lines, start, raw) {
  const opening = lines[start].trimEnd();
  if (!opening.endsWith(raw[0].trim()) || /[^\s>*+\-\d.)]/.test(opening.slice(0, -raw[0].trim().length))) return false;
  return raw.every((line, index) => (lines[start + index] ?? "").trimEnd().endsWith(line.trim()));
}

/** @param {MarkedToken[]} tokens @returns {Iterable<CodeToken>} */
function* codes(tokens) {
  for (const token of tokens) {
    if (token.type === "code") yield/** @type {CodeToken} */ (token);
    else if (token.type === "list") yield* codes(token.items);
    else if ((token.type === "blockquote" || token.type === "list_item") && token.tokens) yield* codes(token.tokens);
  }
}

/**
 * The text of a block from its lines and those of the source.
 * @param {string[]} lines
 * @param {string[] | undefined} sourceLines
 */
export function codeText(lines, sourceLines) {
  if (!sourceLines) return lines.join("\n");
  let text = "";
  lines.forEach((line, index) => {
    const [, source = "", end = "\n"] = /^(.*?)(\r?\n|\r|)$/s.exec(sourceLines[index] ?? "") ?? [];
    text += exactLine(line, source) + (index < lines.length - 1 ? end || "\n" : "");
  });
  return text;
}

/** The end of the source's line that is as wide as the line with expanded tabs. @param {string} line @param {string} source */
function exactLine(line, source) {
  const content = line.trimStart();
  if (!source.endsWith(content)) return line;
  const begins = source.length - content.length;
  const columns = [0];
  for (const char of source.slice(0, begins)) {
    const column = columns[columns.length - 1];
    columns.push(char === "\t" ? column + 4 - (column % 4) : column + 1);
  }
  const at = columns.indexOf(columns[columns.length - 1] - (line.length - content.length));
  return at >= 0 && !source.slice(at, begins).trim() ? source.slice(at) : line;
}
