/** Marked's lexer with the page's rules: HTML is text, only followed addresses define links, nesting is bounded. Pure. */

import { Lexer, Tokenizer } from "../vendor/marked/marked.esm.js";
import { decodeEntities } from "./entities.js";
import { blockFormula, blockStart, inlineFormula, maskFormulas, openFormula } from "./maths.js";

const DEEPEST = 20; // lists and quotations in each other; deeper ones are text
const NOT_OF_AN_ADDRESS = /[\u3000-\u303f\uff01-\uff5e]/; // the punctuation of Chinese and Japanese

class PageTokenizer extends Tokenizer {
  #depth = 0;
  #follows;

  /** @param {(address: string) => unknown} follows whether an address may be followed */
  constructor(follows) {
    super();
    this.#follows = follows;
  }

  get isNested() {
    return this.#depth > 0;
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

  html() {
    return undefined;
  }

  /** A tag changes no state: it is text. @param {string} source */
  tag(source) {
    const [raw] = this.rules.inline.tag.exec(source) ?? [];
    return raw ? tagToken(raw) : undefined;
  }

  /** Other definitions, as of footnotes, stay text. A title has no empty line. @param {string} source */
  def(source) {
    if (!/^ {0,3}\[(?!\^)/.test(source)) return undefined;
    const blank = source.search(/\n[ \t]*\n/);
    const token = super.def(blank < 0 ? source : source.slice(0, blank + 1));
    return token && this.#follows(decodeEntities(token.href)) ? token : undefined;
  }

  /** @param {string} source */
  url(source) {
    const end = source.search(NOT_OF_AN_ADDRESS);
    return super.url(end > 0 ? source.slice(0, end) : source);
  }

  /** @param {string} source @param {string} masked @param {string} [before] */
  emStrong(source, masked, before) {
    return super.emStrong(source, maskFormulas(source, masked), before);
  }
}

/** @param {string} raw @returns {MarkedTag} */
const tagToken = (raw) => ({ type: "html", raw, text: raw, inLink: false, inRawBlock: false, block: false });

/**
 * `inside`: the text begins with the head of an open block, which is no formula. `links`: those of texts that are not read.
 * @param {string} text
 * @param {{ links: LinkDefinitions, over: boolean, inside: boolean, follows: (address: string) => unknown }} options
 */
export function lex(text, { links, over, inside, follows }) {
  const tokenizer = new PageTokenizer(follows);
  const readFormula = (/** @type {string} */ source) => {
    if (inside && source.length === text.length) return undefined;
    const mayGrow = !over && !tokenizer.isNested && text.endsWith(source);
    return blockFormula(source) ?? (mayGrow ? openFormula(source) : undefined);
  };
  const lexer = new Lexer({
    gfm: true,
    tokenizer,
    extensions: {
      renderers: {},
      childTokens: {},
      block: [readFormula],
      inline: [(source, tokens) => inlineFormula(source, tokens?.at(-1)?.raw.slice(-1) ?? "")],
      startBlock: [blockStart],
      startInline: [(source) => source.indexOf("$")],
    },
  });
  Object.assign(lexer.tokens.links, links);
  const tokens = lexer.lex(text);
  return { tokens, links: tokens.links, inline: (/** @type {string} */ part) => lexer.inlineTokens(part) };
}
