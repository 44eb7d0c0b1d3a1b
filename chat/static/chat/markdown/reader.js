/** Reads Markdown into small trees with marked. Pure: patch.js shows them. */

import { PICTURE, TABLE, TASK } from "../sentences/markdown.js";
import { attachSource, codeText, fencedCode } from "./code_source.js";
import { decodeEntities } from "./entities.js";
import { lex } from "./lexer.js";
import { safeLink, showsHost, withoutPunctuation } from "./links.js";

const HEADINGS = ["h4", "h5", "h6", "h6", "h6", "h6"]; // the page uses h1 to h3
const TEXT_CHARS = 300; // the browser shapes only changed text nodes; a space begins the next: letters shape each other
const CONTAINERS = new Set(["blockquote", "list_item"]);
const LETTER = /\p{L}/u;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
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
      .map((token, index) => {
        const isLast = !over && index === tokens.length - 1;
        const block = { token, start, trees: this.#topLevel(token, isLast), defines: definitionsIn([token]) };
        start += token.raw.length;
        return block;
      })
      .filter(({ token }) => token.type !== "space");
  }

  /** `isLast`: the next character may belong to the token. @param {MarkedToken} token @param {boolean} isLast */
  #topLevel(token, isLast) {
    const parts = token.type === "paragraph" && token.tokens ? token.tokens : [];
    if (parts[0]?.type !== "part") return this.#blocks([token], isLast);
    const dir = directionOf(token.raw);
    return parts.map((part, index) => {
      const kids = this.#inline(ownTokens(part), isLast && index === parts.length - 1);
      return tree("p", kids, index ? { dir, class: "goes-on" } : { dir: "auto" });
    });
  }

  /** Equal keys make equal trees. @param {string} raw @param {boolean} isLast */
  #key(raw, isLast) {
    const end = this.#over ? "." : "|";
    return (isLast ? "" : end) + (raw.includes("[") ? this.#stamp : "") + raw;
  }

  /** @param {MarkedToken[]} tokens @param {boolean} isLast @param {boolean} inContainer */
  #blocks(tokens, isLast, inContainer = false) {
    const last = isLast ? tokens.length - 1 : -1;
    return tokens.flatMap((token, index) => {
      return this.#block(/** @type {KnownToken} */ (token), index === last, inContainer) ?? [];
    });
  }

  /**
   * Only outermost blocks have a direction: `auto` does not look into others that have one.
   * @param {KnownToken} token
   * @param {boolean} isLast
   * @param {boolean} inContainer
   * @returns {Tree | null}
   */
  #block(token, isLast, inContainer) {
    // the block below a paragraph decides whether its text keeps an indent of the raw text
    const key = this.#key(token.type === "paragraph" ? token.raw + token.text : token.raw, isLast);
    const auto = inContainer ? null : { dir: "auto" };
    switch (token.type) {
      case "space":
      case "def":
      case "checkbox":
        return null;
      case "heading":
        return tree(
          HEADINGS[token.depth - 1],
          () => this.#inline(token.tokens, isLast),
          { ...auto, class: `h${token.depth}`, ...(token.text ? null : { role: "presentation" }) },
          key,
        );
      case "hr":
        return tree("hr", [], null, key);
      case "code":
        return this.#code(token, isLast);
      case "blockquote":
        return tree("blockquote", () => this.#blocks(token.tokens, isLast, true), auto, key);
      case "list":
        return this.#list(token, auto, key, isLast);
      case "table":
        return this.#table(token, auto, key, isLast);
      case "formula":
        return formula(token, "div");
      default:
        return tree("p", () => this.#inline(ownTokens(token), isLast), auto, key);
    }
  }

  /** @param {CodeToken} token @param {boolean} isLast */
  #code(token, isLast) {
    if (token.codeBlockStyle === "indented") {
      const lines = token.text.replace(/\n+$/, "").split("\n");
      return { ...tree("div"), code: { text: codeText(lines, token.source), language: "", ended: this.#over } };
    }
    const mayGrow = isLast && this.#source.endsWith(token.raw.slice(token.raw.lastIndexOf("\n") + 1));
    const { lines, ended } = fencedCode(token.raw, mayGrow);
    const language = decodeEntities(token.lang ?? "");
    return { ...tree("div"), code: { text: codeText(lines, token.source), language, ended: ended || this.#over } };
  }

  /** @param {ListToken} token @param {Attributes} auto @param {string} key @param {boolean} isLast */
  #list(token, auto, key, isLast) {
    const classes = [/^ *\d+\)/.test(token.raw) && "parenthesis", token.loose && "loose"].filter(Boolean).join(" ");
    const attributes = { ...auto, ...(classes && { class: classes }) };
    if (token.ordered && token.start !== 1) Object.assign(attributes, { start: String(token.start) });
    const last = isLast ? token.items.length - 1 : -1;
    const items = () => token.items.map((item, index) => this.#item(item, index === last));
    return tree(token.ordered ? "ol" : "ul", items, attributes, key);
  }

  /**
   * The first paragraph is text of the item itself: its nodes stay the same when the list turns loose.
   * @param {MarkedListItem} item
   * @param {boolean} isLast
   */
  #item(item, isLast) {
    const read = () => {
      if (item.tokens.length && item.tokens.every(({ type }) => type === "def" || type === "space")) {
        return this.#definitions(item.tokens);
      }
      const [first, ...others] = item.tokens.filter(({ type }) => type !== "checkbox");
      const isText = first?.type === "text" || first?.type === "paragraph";
      const box = item.task ? [checkbox(Boolean(item.checked)), " "] : [];
      if (!first) return box;
      if (!isText) return [...box, ...this.#blocks([first, ...others], isLast, true)];
      const kids = trimmed(this.#inline(ownTokens(first), isLast && !others.length));
      return merged([...box, ...kids, ...this.#blocks(others, isLast, true)]);
    };
    return tree("li", read, null, this.#key(item.raw, isLast));
  }

  /** An item with definitions alone is a list of sources. @param {MarkedToken[]} tokens */
  #definitions(tokens) {
    const lines = tokens.map((token) => {
      const { raw, href = "" } = /** @type {MarkedLink} */ (token);
      const link = this.#link(decodeEntities(href));
      const at = raw.indexOf(href, raw.indexOf("]:"));
      if (!link || at < 0) return withBreaks(raw.trim());
      return [...withBreaks(raw.slice(0, at)), anchor(link, [href]), ...withBreaks(raw.slice(at + href.length).trimEnd())];
    });
    return merged(lines.flatMap((line, index) => (index && line.length ? [tree("br"), ...line] : line)));
  }

  /** @param {TableToken} token @param {Attributes} auto @param {string} key @param {boolean} isLast */
  #table(token, auto, key, isLast) {
    /** @type {(tag: string, cell: MarkedTableCell, isLast: boolean) => Tree} */
    const cell = (tag, { tokens, align }, isLast) => {
      const attributes = { ...(tag === "th" && { scope: "col" }), ...(align && { class: `align-${align}` }) };
      return tree(tag, () => this.#inline(tokens, isLast), attributes);
    };
    const row = (/** @type {MarkedTableCell[]} */ cells, /** @type {number} */ index) => {
      const isOpen = isLast && index === token.rows.length - 1;
      const key = this.#key(cells.map(({ text }) => text).join("\0"), isOpen);
      return tree("tr", () => cells.map((each) => cell("td", each, isOpen)), null, key);
    };
    const head = tree("thead", [tree("tr", () => token.header.map((each) => cell("th", each, false)))]);
    const kids = () => [head, ...(token.rows.length ? [tree("tbody", () => token.rows.map(row))] : [])];
    const frame = { class: "table-frame", tabindex: "0", role: "group", "aria-label": TABLE };
    return tree("div", [tree("table", kids, auto)], frame, key);
  }

  /** @param {MarkedToken[]} tokens */
  #inline(tokens, isLast = false) {
    const last = isLast ? tokens.length - 1 : -1;
    return merged(tokens.flatMap((token, index) => this.#span(/** @type {KnownToken} */ (token), index === last)));
  }

  /** @param {KnownToken} token @param {boolean} isLast @returns {Kid[]} */
  #span(token, isLast) {
    switch (token.type) {
      case "text":
        return token.tokens ? this.#inline(token.tokens, isLast) : withBreaks(decodeEntities(token.text));
      case "part":
        return [...this.#inline(token.tokens, isLast), ...withBreaks(token.gap)];
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
        return this.#anchor(token, isLast);
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

  /** @param {MarkedLink} token @param {boolean} isLast */
  #anchor(token, isLast) {
    if (token.autolink) return this.#bareAddress(token, isLast);
    const link = this.#link(decodeEntities(token.href));
    if (!link) return withBreaks(token.raw);
    this.#inLink = true;
    const kids = this.#inline(token.tokens);
    this.#inLink = false;
    return [anchor(link, kids)];
  }

  /** One that may continue is no link yet. @param {MarkedLink} token @param {boolean} isLast */
  #bareAddress({ raw, text, href }, isLast) {
    if (isLast && raw === text && this.#source.endsWith(raw)) return withBreaks(raw);
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

/** Those in these blocks, also inside; the first of a label counts. @param {MarkedToken[]} tokens @returns {LinkDefinitions | null} */
export function definitionsIn(tokens) {
  /** @type {LinkDefinitions | null} */
  let found = null;
  for (const token of tokens) {
    if (token.type === "def") found = withDefinitions(found, { [token.tag]: { href: token.href, title: token.title } });
    const inner = token.type === "list" ? token.items : CONTAINERS.has(token.type) && "tokens" in token && token.tokens;
    if (inner) found = withDefinitions(found, definitionsIn(inner));
  }
  return found;
}

/** @param {LinkDefinitions | null} first @param {LinkDefinitions | null} others @returns {LinkDefinitions | null} */
export const withDefinitions = (first, others) => (first && others ? { ...others, ...first } : (first ?? others));

/** That of the first letter, as the browser finds it. @param {string} text */
export const directionOf = (text) => (RIGHT_TO_LEFT.test(LETTER.exec(text)?.[0] ?? "") ? "rtl" : "ltr");

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

/** Without space at the end: marked keeps it in all items but the last. @param {Kid[]} kids */
function trimmed(kids) {
  const last = kids[kids.length - 1];
  return typeof last === "string" ? [...kids.slice(0, -1), last.trimEnd()] : kids;
}

/** @param {Tree} parent */
export const kidsOf = ({ kids }) => (typeof kids === "function" ? kids() : kids);

/** @param {Kid[]} kids @returns {string} */
export function plainText(kids) {
  return kids.map((kid) => (typeof kid === "string" ? kid : plainText(kidsOf(kid)))).join("");
}
