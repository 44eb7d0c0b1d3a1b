/** Marked's lexer with the page's rules: HTML is text, only followed addresses define links, cost and nesting are bounded. Pure. */

import { Lexer, Tokenizer } from "../vendor/marked/marked.esm.js";
import { decodeEntities } from "./entities.js";
import { PART_CHARS, paragraphParts } from "./long_paragraph.js";
import { blockFormula, blockStarts, InlineFormulas, openFormula } from "./maths.js";
import { endsWithCjk, maskCjk } from "./scripts.js";

const DEEPEST = 20; // lists and quotations in each other, or marks; deeper ones are text
const NOT_OF_AN_ADDRESS = /[\u3000-\u303f\uff01-\uff5e]/; // the punctuation of Chinese and Japanese
const MOST_SEARCHED = 300_000; // characters, in one text: 50 ms
const NEVER = /(?!)/g;
const LONGEST_DEFINITION = 5_000; // characters
// marked's own, but with line feeds alone as line ends: U+2028 and U+2029 are characters
const LINES = {
  codeRemoveIndent: /(?<![^\n])(?: {0,3}\t| {1,4})/g,
  blockquoteMarkerWhitespace: /(?<![^\n])( {0,3}>)(\t[ \t]*)/g,
  blockquoteSetextReplace2: /(?<![^\n]) {0,3}>[ \t]?/g,
};

class PageTokenizer extends Tokenizer {
  searched = 0; // characters of one text, in vain
  #depth = 0;
  #options;

  /** @param {LexerOptions} options */
  constructor(options) {
    super();
    this.#options = options;
  }

  /** A formula on separate lines, or the beginning of one at the end. @param {string} source @returns {FormulaToken | undefined} */
  formula(source) {
    const { text, inside, over } = this.#options;
    if (inside && source.length === text.length) return undefined;
    const mayGrow = !over && !this.#depth; // the source is the end of the text
    return blockFormula(source) ?? (mayGrow ? openFormula(source) : undefined);
  }

  /** The rest of a paragraph, whatever it begins with. @param {string} source */
  restOfParagraph(source) {
    if (!this.#options.goesOn || this.#depth || source.length !== this.#options.text.length) return undefined;
    const start = this.formulaStart(source);
    return super.paragraph(start < 0 ? source : source.slice(0, start));
  }

  /** Where a later line begins a formula, or -1. @param {string} source */
  formulaStart(source) {
    for (const start of blockStarts(source)) if (this.formula(source.slice(start))) return start;
    return -1;
  }

  /** @param {string} source */
  blockquote(source) {
    return this.#nested(() => super.blockquote(source));
  }

  /** @param {string} source */
  list(source) {
    return this.#nested(() => super.list(source));
  }

  /** @template T @param {() => T} read */
  #nested(read) {
    if (this.#depth >= DEEPEST) return undefined;
    this.#depth += 1;
    try {
      return read();
    } finally {
      this.#depth -= 1;
    }
  }

  /** A long text is no heading: its parts may be finished. A formula comes first. @param {string} source */
  lheading(source) {
    const token = super.lheading(source);
    if (!token || token.text.length > PART_CHARS) return undefined;
    const start = this.formulaStart(source);
    return start >= 0 && start < token.raw.length ? undefined : token;
  }

  /** A line with a tab alone ends it, too. A long first line is no head: its parts may be finished. @param {string} source */
  table(source) {
    if (source.trimStart().indexOf("\n") > PART_CHARS) return undefined;
    const token = super.table(source);
    const blank = token ? token.raw.search(/\n[ \t]*\t[ \t]*(?:\n|$)/) : -1;
    return withEmptyRows(blank < 0 ? token : super.table(source.slice(0, blank + 1)));
  }

  html() {
    return undefined;
  }

  /** A tag changes no state: it is text. @param {string} source */
  tag(source) {
    if (source[0] !== "<") return undefined;
    const [raw] = this.rules.inline.tag.exec(source) ?? [];
    return raw ? tagToken(raw) : undefined;
  }

  /** Other definitions, as of footnotes, stay text. A title has no empty line. @param {string} source */
  def(source) {
    if (!/^ {0,3}\[(?!\^)/.test(source)) return undefined;
    const beginning = source.slice(0, LONGEST_DEFINITION);
    const blank = beginning.search(/\n[ \t]*\n/);
    const token = super.def(blank < 0 ? beginning : beginning.slice(0, blank + 1));
    return token && this.#options.follows(decodeEntities(token.href)) ? token : undefined;
  }

  /** @param {string} source */
  url(source) {
    const end = source.search(NOT_OF_AN_ADDRESS);
    return super.url(end > 0 ? source.slice(0, end) : source);
  }

  /** @param {string} source @param {string} masked @param {string} [before] */
  emStrong(source, masked, before = "") {
    if (source[0] !== "*" && source[0] !== "_") return undefined;
    const outside = source[0] === "*" && endsWithCjk(before) ? "" : before;
    return this.#bounded(source, () => super.emStrong(source, masked, outside));
  }

  /** @param {string} source @param {string} masked @param {string} [before] */
  del(source, masked, before) {
    return source[0] === "~" ? this.#bounded(source, () => super.del(source, masked, before)) : undefined;
  }

  /** @param {string} source */
  link(source) {
    return /^!?\[/.test(source) ? this.#bounded(source, () => super.link(source)) : undefined;
  }

  /** @param {string} source @param {LinkDefinitions} links */
  reflink(source, links) {
    return /^!?\[/.test(source) ? this.#bounded(source, () => super.reflink(source, links)) : undefined;
  }

  /** A mark that ends nowhere is searched to the end of the text. @template {{ type: string }} T @param {string} source @param {() => T | undefined} read */
  #bounded(source, read) {
    if (this.searched > MOST_SEARCHED) return undefined;
    const token = read();
    if (!token || token.type === "text") this.searched += source.length;
    return token;
  }
}

/** Marked drops the rows if all are of Unicode spaces alone; here each is a row, as below another row. @param {TableToken | undefined} token */
function withEmptyRows(token) {
  if (!token || token.rows.length) return token;
  const lines = token.raw.split("\n").slice(2);
  const row = () => token.header.map(({ align }) => ({ text: "", tokens: [], header: false, align }));
  return { ...token, rows: lines.filter((line) => /[^ \t]/.test(line)).map(row) };
}

/** @param {string} raw @returns {MarkedTag} */
const tagToken = (raw) => ({ type: "html", raw, text: raw, inLink: false, inRawBlock: false, block: false });

/** @param {string} raw @returns {MarkedText} */
const textToken = (raw) => ({ type: "text", raw, text: raw, escaped: false });

/** @param {LinkDefinitions} links */
function isFilled(links) {
  for (const _ in links) return true;
  return false;
}

class PageLexer extends Lexer {
  #depth = 0;
  #pageTokenizer;
  #inlineRules;
  #reflinkSearch;
  formulas = new InlineFormulas(""); // of the text that is read

  /** @param {PageTokenizer} tokenizer @param {MarkedOptions} options */
  constructor(tokenizer, options) {
    super({ ...options, tokenizer });
    this.#pageTokenizer = tokenizer;
    this.#inlineRules = { ...tokenizer.rules.inline };
    this.#reflinkSearch = this.#inlineRules.reflinkSearch;
    const { rules } = tokenizer;
    tokenizer.rules = { ...rules, inline: this.#inlineRules, other: { ...rules.other, ...LINES } };
  }

  /** Long texts in parts: the time for one is its square. @param {string} source @param {MarkedToken[]} tokens */
  inlineTokens(source, tokens = []) {
    if (this.#depth) return this.#read(source, tokens);
    const parts = paragraphParts(source);
    if (parts.length < 2) return this.#readSafely(source, tokens);
    for (const { text, gap } of parts) {
      tokens.push({ type: "part", raw: text + gap, gap, tokens: this.#readSafely(text, []) });
    }
    return tokens;
  }

  /** @param {string} source @param {MarkedToken[]} tokens @returns {MarkedToken[]} */
  #readSafely(source, tokens) {
    const state = { ...this.state };
    this.#inlineRules.reflinkSearch = isFilled(this.tokens.links) ? this.#reflinkSearch : NEVER; // it is slow
    this.#pageTokenizer.searched = 0;
    try {
      return this.#read(source, tokens);
    } catch (error) {
      console.error(error);
      Object.assign(this.state, state);
      tokens.splice(0, tokens.length, textToken(source));
      return tokens;
    }
  }

  /** @param {string} source @param {MarkedToken[]} tokens */
  #read(source, tokens) {
    if (this.#depth > DEEPEST) {
      tokens.push(textToken(source));
      return tokens;
    }
    const outer = this.formulas;
    this.formulas = new InlineFormulas(source);
    this.#depth += 1;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#depth -= 1;
      this.formulas = outer;
    }
  }
}

/** @param {LexerOptions} options */
export function lex(options) {
  const tokenizer = new PageTokenizer(options);
  const emStrongMask = (/** @type {string} */ masked) => maskCjk(lexer.formulas.mask(masked));
  const lexer = new PageLexer(tokenizer, {
    gfm: true,
    hooks: /** @type {MarkedHooks} */ ({ emStrongMask }),
    extensions: {
      renderers: {},
      childTokens: {},
      block: [(source) => tokenizer.restOfParagraph(source), (source) => tokenizer.formula(source)],
      inline: [(source) => lexer.formulas.at(source)],
      startBlock: [(source) => tokenizer.formulaStart(source)],
      startInline: [(source) => lexer.formulas.next(source)],
    },
  });
  Object.assign(lexer.tokens.links, options.links);
  const tokens = lexer.lex(options.text);
  return { tokens, links: tokens.links };
}
