/**
 * Formulas between `$$`, `\[ \]`, `\( \)` and `$`. Pure. Each kind is strict in a line, because prices, shell variables,
 * escaped brackets and regular expressions have the same marks.
 */

import { CJK } from "./scripts.js";

const LONGEST_BLOCK = 3_000; // characters; longer ones are not typeset
const BLANK_LINE = /\n[ \t]*\n/;
const REST_OF_LINE = /^[ \t]*(?:\n|$)/;
/** @type {Record<string, string>} */
const CLOSERS = { $$: "$$", "\\[": "\\]", "\\(": "\\)" };
const MARKS = /(`+)(?:[^`]|[^`][\s\S]*?[^`])\1(?!`)|`+|[$\\]/g; // code and escapes come first
const DOLLARS = /\$(?=[^\s$])((?:\\[^\n]|[^\\\n$])+)\$/y;
const PRICE = new RegExp(`^\\d[\\d.,]*(?:\\s+(?:\\p{L}{2}|\\()|${CJK})`, "u");
const LATIN_OR_DIGIT = String.raw`[\p{Script=Latin}\p{N}`;
const NOT_BEFORE_DOLLAR = new RegExp(`${LATIN_OR_DIGIT}$]$`, "u");
const NOT_AFTER_DOLLAR = new RegExp(`^${LATIN_OR_DIGIT}$]`, "u");
const ORDINAL = /^(?:st|[nr]d|th)(?![\p{L}\p{N}])/u;
const NOT_BEFORE_PARENTHESIS = new RegExp(`${LATIN_OR_DIGIT}'"\`/\\\\]$`, "u");
const BEFORE_BRACKET = new RegExp(`(?:^|[\\s*_~(]|${CJK})$`, "u");
const AFTER_BRACKET = new RegExp(`^[.,;:!?]?(?:$|[\\s*_~)]|${CJK})`, "u");
const WORDS = /^\s+\p{L}{2,}(?=\s)(?:.*\s\p{L}{2,})?\s+$/su; // between process numbers of a shell
/** @type {Record<string, (source: string, before: string, after: string) => boolean>} */
const ALLOWS = {
  $$: (source) => !WORDS.test(source),
  "\\[": (source, before, after) => BEFORE_BRACKET.test(before) && AFTER_BRACKET.test(after) && /[^\d\s]/.test(source),
  "\\(": (source, before) => !NOT_BEFORE_PARENTHESIS.test(before) && source.split("\\|").length % 2 === 1, // norms have two
  $: allowsDollars,
};

/** @param {string} source @param {string} before @param {string} after */
function allowsDollars(source, before, after) {
  if (NOT_BEFORE_DOLLAR.test(before) || /\s$/.test(source) || PRICE.test(source)) return false;
  return !NOT_AFTER_DOLLAR.test(after) || (ORDINAL.test(after) && !/\s/.test(source));
}

/** Formulas on separate lines. @param {string} source @returns {FormulaToken | undefined} */
export function blockFormula(source) {
  const text = source.slice(0, LONGEST_BLOCK);
  const [all = "", opener = ""] = /^ {0,3}(\$\$|\\\[)/.exec(text) ?? [];
  const end = opener ? text.indexOf(CLOSERS[opener], all.length) : -1;
  if (end < 0) return undefined;
  const rest = REST_OF_LINE.exec(source.slice(end + 2));
  const formula = text.slice(all.length, end);
  if (!rest || !formula.trim() || BLANK_LINE.test(formula)) return undefined;
  return { type: "formula", raw: text.slice(0, end + 2) + rest[0], source: formula, display: true, open: false };
}

/**
 * The beginning of a formula at the end of the text so far: what follows may close it.
 * @param {string} text
 * @returns {FormulaToken | undefined}
 */
export function openFormula(text) {
  if (text.length >= LONGEST_BLOCK) return undefined;
  const opener = /^ {0,3}(\$\$|\\\[)/.exec(text);
  if (!opener || text.includes(CLOSERS[opener[1]], opener[0].length) || BLANK_LINE.test(text)) return undefined;
  return { type: "formula", raw: text, source: "", display: true, open: true };
}

const START = /(?<=\n {0,3})(?:\$\$|\\\[)/g;

/** Where the next lines may begin a formula, which ends a paragraph. @param {string} text */
export function* blockStarts(text) {
  const hasBrackets = text.includes("\\[") && (text.includes("\\]") || text.length < LONGEST_BLOCK);
  if (!hasBrackets && !text.includes("$$")) return;
  for (const { index } of text.matchAll(START)) yield index;
}

/** The formulas of a text without blocks, found in one pass. */
export class InlineFormulas {
  #text;
  /** @type {Map<number, FormulaToken> | null} */ #found = null;
  /** @type {Record<string, number>} */ #closers = {}; // the next of each kind; -1: no more

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** The formula that the rest of the text begins with. @param {string} rest */
  at(rest) {
    return this.#all.get(this.#text.length - rest.length);
  }

  /** Where the rest of the text has a formula, or -1. @param {string} rest */
  next(rest) {
    if (!this.#all.size) return -1;
    const from = this.#text.length - rest.length;
    for (const start of this.#all.keys()) if (start >= from) return start - from;
    return -1;
  }

  /** Hide the formulas from the search for emphasis. @param {string} masked the text, as long, with other parts hidden */
  mask(masked) {
    const pieces = [];
    let end = 0;
    for (const [start, { raw }] of this.#all) {
      pieces.push(masked.slice(end, start), "a".repeat(raw.length));
      end = start + raw.length;
    }
    return pieces.join("") + masked.slice(end);
  }

  get #all() {
    this.#found ??= new Map(this.#scan());
    return this.#found;
  }

  /** @returns {Iterable<[number, FormulaToken]>} */
  *#scan() {
    if (!/[$]|\\[([]/.test(this.#text)) return;
    const marks = new RegExp(MARKS);
    for (let mark = marks.exec(this.#text); mark; mark = marks.exec(this.#text)) {
      if (mark[0][0] === "`") continue;
      const formula = this.#read(mark.index);
      if (formula) {
        yield [mark.index, formula];
        marks.lastIndex = mark.index + formula.raw.length;
      } else if (mark[0] === "\\") marks.lastIndex += 1;
    }
  }

  /** @param {number} at @returns {FormulaToken | undefined} */
  #read(at) {
    const pair = this.#text.slice(at, at + 2);
    const opener = pair in CLOSERS ? pair : pair[0];
    const source = opener in ALLOWS ? this.#source(opener, at) : "";
    if (!source.trim()) return undefined;
    const end = at + 2 * opener.length + source.length;
    const before = this.#text.slice(Math.max(0, at - 2), at);
    const after = this.#text.slice(end, end + 4);
    if (!ALLOWS[opener](source, before, after)) return undefined;
    const display = opener === "$$" || opener === "\\[";
    return { type: "formula", raw: this.#text.slice(at, end), source, display, open: false };
  }

  /** The text up to the closer. @param {string} opener @param {number} at */
  #source(opener, at) {
    if (opener === "$") {
      DOLLARS.lastIndex = at;
      return DOLLARS.exec(this.#text)?.[1] ?? "";
    }
    const end = this.#closer(CLOSERS[opener], at + 2);
    return end < 0 ? "" : this.#text.slice(at + 2, end);
  }

  /** @param {string} closer @param {number} from */
  #closer(closer, from) {
    const known = this.#closers[closer] ?? 0;
    if (known >= 0 && known < from) this.#closers[closer] = this.#text.indexOf(closer, from);
    return this.#closers[closer];
  }
}
