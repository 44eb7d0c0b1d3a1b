/** Reads Markdown into small trees with marked. Pure: patch.js shows them. */

import { PICTURE, TABLE, TASK } from "../sentences/markdown.js";
import { attachSource, codeText, fencedCode } from "./code_source.js";
import { decodeEntities } from "./entities.js";
import { lex } from "./lexer.js";
import { safeLink, showsHost, withoutPunctuation } from "./links.js";

const HEADINGS = ["h4", "h5", "h6", "h6", "h6", "h6"]; // the page uses h1 to h3
const TEXT_CHARS = 300; // the browser shapes only changed text nodes; a space begins the next: letters shape each other
const PIECES = new RegExp(`.{${TEXT_CHARS}}\\S*|.+`, "gs");

/** @type {(tag: string, kids?: Tree["kids"], attributes?: Tree["attributes"], key?: string | null) => Tree} */
const tree = (tag, kids = [], attributes = null, key = null) => ({ tag, kids, attributes, key });

export class MarkdownReader {
  #link;
  /** @type {LinkDefinitions} */ links = Object.create(null); // of finished blocks
  #version = 0;
  #stamp = ""; // changes with the definitions
  #over = false;
  #source = "";
  #inLink = false;

  /** @param {(address: string) => Link | null} link */
  constructor(link = safeLink) {
    this.#link = link;
  }

  /** Keep the definitions of finished blocks; the first of a label counts. @param {LinkDefinitions} found */
  define(found) {
    const labels = Object.keys(found).filter((label) => !(label in this.links));
    for (const label of labels) this.links[label] = found[label];
    this.#version += labels.length;
    return labels;
  }

  /**
   * The blocks of a text. `over`: nothing follows. `inside`: the text begins with an item or the head of a table.
   * `goesOn`: it begins with the rest of a paragraph. `source`: the text with its own line ends.
   * @param {string} text
   * @param {{ over: boolean, inside?: boolean, goesOn?: boolean, source?: string }} options
   * @returns {Block[]}
   */
  read(text, { over, inside = false, goesOn = false, source = text }) {
    const { tokens, links } = lex({ text, links: this.links, over, inside, goesOn, follows: this.#link });
    attachSource(tokens, source);
    const own = Object.entries(links).filter(([label]) => !(label in this.links));
    this.#stamp = `${this.#version} ${JSON.stringify(own)}\n`;
    this.#over = over;
    this.#source = text;
    let start = 0;
    return tokens
      .map((token) => {
        const block = { token, start, trees: this.#topLevel(token), defines: this.#defined(token) };
        start += token.raw.length;
        return block;
      })
      .filter(({ token }) => token.type !== "space");
  }

  /** @param {MarkedToken} token @returns {LinkDefinitions | null} */
  #defined(token) {
    return token.type === "def" ? { [token.tag]: { href: token.href, title: token.title } } : null;
  }

  /** @param {MarkedToken} token */
  #topLevel(token) {
    const parts = token.type === "paragraph" && token.tokens ? token.tokens : [];
    if (parts[0]?.type !== "part") return this.#blocks([token]);
    return parts.map((part, index) => {
      const kids = this.#inline(ownTokens(part));
      return tree("p", kids, index ? { dir: "auto", class: "goes-on" } : { dir: "auto" });
    });
  }

  /** Equal keys make equal trees. @param {string} raw */
  #key(raw) {
    return (this.#over ? "." : "") + (raw.includes("[") ? this.#stamp : "") + raw;
  }

  /** @param {MarkedToken[]} tokens @param {boolean} inContainer */
  #blocks(tokens, inContainer = false) {
    return tokens.flatMap((token) => this.#block(/** @type {KnownToken} */ (token), inContainer) ?? []);
  }

  /**
   * Only outermost blocks have a direction: `auto` skips elements inside that have one.
   * @param {KnownToken} token
   * @param {boolean} inContainer
   * @returns {Tree | null}
   */
  #block(token, inContainer) {
    const key = this.#key(token.raw);
    const auto = inContainer ? null : { dir: "auto" };
    switch (token.type) {
      case "space":
      case "def":
      case "checkbox":
        return null;
      case "heading":
        return tree(
          HEADINGS[token.depth - 1],
          () => this.#inline(token.tokens),
          { ...auto, class: `h${token.depth}` },
          key,
        );
      case "hr":
        return tree("hr", [], null, key);
      case "code":
        return this.#code(token);
      case "blockquote":
        return tree("blockquote", () => this.#blocks(token.tokens, true), auto, key);
      case "list":
        return this.#list(token, auto, key);
      case "table":
        return this.#table(token, auto, key);
      case "formula":
        return formula(token, "div");
      default:
        return tree("p", () => this.#inline(ownTokens(token)), auto, key);
    }
  }

  /** @param {CodeToken} token */
  #code(token) {
    if (token.codeBlockStyle === "indented") {
      return { ...tree("div"), code: { text: token.text.replace(/\n+$/, ""), language: "", ended: this.#over } };
    }
    const mayGrow = !this.#over && this.#source.endsWith(token.raw.slice(token.raw.lastIndexOf("\n") + 1));
    const { lines, ended } = fencedCode(token.raw, mayGrow);
    const language = decodeEntities(token.lang ?? "");
    return { ...tree("div"), code: { text: codeText(lines, token.sourceLines), language, ended: ended || this.#over } };
  }

  /** @param {ListToken} token @param {Attributes} auto @param {string} key */
  #list(token, auto, key) {
    const classes = [token.loose && "loose", /^ *\d+\)/.test(token.raw) && "parenthesis"].filter(Boolean).join(" ");
    const attributes = { ...auto, ...(classes && { class: classes }) };
    if (token.ordered && token.start !== 1) Object.assign(attributes, { start: String(token.start) });
    return tree(token.ordered ? "ol" : "ul", () => token.items.map((item) => this.#item(item)), attributes, key);
  }

  /** The first paragraph is text of the item itself: its nodes stay the same when the list turns loose. @param {MarkedListItem} item */
  #item(item) {
    const read = () => {
      const [first, ...others] = item.tokens.filter(({ type }) => type !== "checkbox");
      const isText = first?.type === "text" || first?.type === "paragraph";
      const box = item.task ? [checkbox(Boolean(item.checked)), " "] : [];
      if (!first) return box;
      if (!isText) return [...box, ...this.#blocks([first, ...others], true)];
      return merged([...box, ...this.#inline(ownTokens(first)), ...this.#blocks(others, true)]);
    };
    return tree("li", read, null, this.#key(item.raw));
  }

  /** @param {TableToken} token @param {Attributes} auto @param {string} key */
  #table(token, auto, key) {
    /** @type {(tag: string, cell: MarkedTableCell) => Tree} */
    const cell = (tag, { tokens, align }) => {
      const attributes = { ...(tag === "th" && { scope: "col" }), ...(align && { class: `align-${align}` }) };
      return tree(tag, () => this.#inline(tokens), attributes);
    };
    const row = (/** @type {MarkedTableCell[]} */ cells) =>
      tree("tr", () => cells.map((each) => cell("td", each)), null, this.#key(cells.map(({ text }) => text).join("\0")));
    const head = tree("thead", [tree("tr", () => token.header.map((each) => cell("th", each)))]);
    const kids = () => [head, ...(token.rows.length ? [tree("tbody", () => token.rows.map(row))] : [])];
    const frame = { class: "table-frame", tabindex: "0", role: "group", "aria-label": TABLE };
    return tree("div", [tree("table", kids, auto)], frame, key);
  }

  /** @param {MarkedToken[]} tokens */
  #inline(tokens) {
    return merged(tokens.flatMap((token) => this.#span(/** @type {KnownToken} */ (token))));
  }

  /** @param {KnownToken} token @returns {Kid[]} */
  #span(token) {
    switch (token.type) {
      case "text":
        return token.tokens ? this.#inline(token.tokens) : withBreaks(decodeEntities(token.text));
      case "part":
        return [...this.#inline(token.tokens), ...withBreaks(token.gap)];
      case "escape":
        return [token.text];
      case "strong":
      case "em":
      case "del":
        return [tree(token.type, this.#inline(token.tokens))];
      case "codespan":
        return [tree("code", [token.text], { dir: "ltr" })];
      case "br":
        return [tree("br")];
      case "link":
        return this.#anchor(token);
      case "image":
        return this.#picture(token);
      case "formula":
        return [formula(token, "span")];
      case "checkbox":
        return [];
      default:
        return /^<br\s*\/?>$/i.test(token.raw) ? [tree("br")] : withBreaks(token.raw);
    }
  }

  /** @param {MarkedLink} token */
  #anchor(token) {
    if (token.autolink) return this.#bareAddress(token);
    const link = this.#link(decodeEntities(token.href));
    if (!link) return withBreaks(token.raw);
    this.#inLink = true;
    const kids = this.#inline(token.tokens);
    this.#inLink = false;
    return [anchor(link, kids)];
  }

  /** @param {MarkedLink} token */
  #bareAddress({ raw, text, href }) {
    const [address, rest] = raw === text ? withoutPunctuation(text) : [text, ""];
    const link = this.#link(href.slice(0, href.length - rest.length));
    return link ? [anchor(link, [address]), rest] : withBreaks(raw);
  }

  /** A link instead of the picture: loading it would disclose the reader to another site. @param {MarkedImage} token */
  #picture(token) {
    const link = this.#link(decodeEntities(token.href));
    if (!link) return withBreaks(token.raw);
    const text = plainText(this.#inline(token.tokens)) || PICTURE;
    return this.#inLink ? [text] : [anchor(link, [text], "picture")];
  }
}

/** @param {Link} link @param {Kid[]} kids */
function anchor({ href, host }, kids, className = "") {
  const attributes = {
    ...(className && { class: className }),
    href,
    target: "_blank",
    rel: "noopener noreferrer nofollow",
    referrerpolicy: "no-referrer",
  };
  const shown = !host || showsHost(plainText(kids), host);
  return tree("a", shown ? kids : merged([...kids, " ", tree("bdi", [host], { class: "host" })]), attributes);
}

/** @param {boolean} checked */
function checkbox(checked) {
  const attributes = { type: "checkbox", disabled: "", "aria-label": TASK, ...(checked && { checked: "" }) };
  return tree("input", [], attributes);
}

/** @param {FormulaToken} token @param {"div" | "span"} tag @returns {Tree} */
function formula({ raw, source, display, open }, tag) {
  const attributes = { class: display && tag === "span" ? "formula display" : "formula", dir: "ltr" };
  return { ...tree(tag, [raw.trim()], attributes), ...(!open && { formula: { source, display, raw: raw.trim() } }) };
}

/** @param {MarkedToken} token @returns {MarkedToken[]} */
const ownTokens = (token) => ("tokens" in token && token.tokens) || [token];

/** Line breaks of the source are kept. @param {string} text @returns {Kid[]} */
const withBreaks = (text) => text.split(/[ \t]*\n[ \t]*/).flatMap((line, index) => (index ? [tree("br"), line] : [line]));

/** Adjacent strings as one, in pieces for the browser. @param {Kid[]} kids */
function merged(kids) {
  /** @type {Kid[]} */
  const made = [];
  let text = "";
  const flush = () => {
    made.push(...(text.match(PIECES) ?? []));
    text = "";
  };
  for (const kid of kids) {
    if (typeof kid === "string") text += kid;
    else {
      flush();
      made.push(kid);
    }
  }
  flush();
  return made;
}

/** @param {Tree} parent */
export const kidsOf = ({ kids }) => (typeof kids === "function" ? kids() : kids);

/** @param {Kid[]} kids @returns {string} */
export function plainText(kids) {
  return kids.map((kid) => (typeof kid === "string" ? kid : plainText(kidsOf(kid)))).join("");
}
