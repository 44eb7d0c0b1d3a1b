/** The types of parser.js as far as the page uses it: its own JSDoc is not strict. */

export const PARAGRAPH: number,
  HEADING_1: number,
  HEADING_2: number,
  HEADING_3: number,
  HEADING_4: number,
  HEADING_5: number,
  HEADING_6: number,
  CODE_BLOCK: number,
  CODE_FENCE: number,
  CODE_INLINE: number,
  ITALIC_AST: number,
  ITALIC_UND: number,
  STRONG_AST: number,
  STRONG_UND: number,
  STRIKE: number,
  LINK: number,
  RAW_URL: number,
  IMAGE: number,
  BLOCKQUOTE: number,
  LINE_BREAK: number,
  RULE: number,
  LIST_UNORDERED: number,
  LIST_ORDERED: number,
  LIST_ITEM: number,
  CHECKBOX: number,
  TABLE: number,
  TABLE_ROW: number,
  TABLE_CELL: number;

export const HREF: number, SRC: number, LANG: number, CHECKED: number, START: number, ALT: number;

export interface Renderer {
  data: null;
  addToken(data: null, type: number): void;
  endToken(data: null): void;
  addText(data: null, text: string): void;
  setAttr(data: null, attribute: number, value: string): void;
}

export interface Parser {
  text: string;
  pending: string;
  altText: string;
  tokens: Uint32Array;
  len: number;
  token: number;
  fenceChar: string;
  indentLen: number;
}

export function parser(renderer: Renderer): Parser;
export function parserWrite(parser: Parser, chunk: string): void;
