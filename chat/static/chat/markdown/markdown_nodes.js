/** The DOM of an answer: the append-only sink of markdown.js. */

import { element } from "../dom/elements.js";
import { CodeBlock } from "./code_block.js";
import { appendText, CHUNK_CHARS } from "./growing_text.js";
import { showsHost } from "./links.js";
import { addRow, framedTable, setHead } from "./table.js";

const BLOCKS = new Set(["p", "h4", "h5", "h6", "ul", "ol", "blockquote", "td", "th"]); // each with its own direction
/** @type {{ [kind: string]: "h4" | "h5" | "h6" }} */
const HEADINGS = { h1: "h4", h2: "h5", h3: "h6", h4: "h6", h5: "h6", h6: "h6" }; // the page uses h1 to h3

/** @param {HTMLAnchorElement} anchor @param {Link} link */
function linkTo(anchor, { href, host }) {
  Object.assign(anchor, { href, target: "_blank", rel: "noopener noreferrer nofollow", referrerPolicy: "no-referrer" });
  if (!showsHost(anchor.textContent, host)) anchor.append(" ", element("bdi", "host", host));
}

export class MarkdownNodes {
  /** @type {HTMLElement[]} */ #open; // innermost last
  /** @type {CodeBlock | null} */ #code = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#open = [root];
  }

  get #here() {
    return this.#open[this.#open.length - 1];
  }

  /** @param {Kind} kind */
  open(kind) {
    if (kind === "codeblock") return this.#openCode();
    if (kind === "table") return this.#openTable();
    if (kind === "tr") return void this.#open.push(addRow(this.#here));
    const made = element(this.#tag(kind));
    if (made instanceof HTMLInputElement) Object.assign(made, { type: "checkbox", disabled: true, ariaLabel: "Task" });
    if (kind in HEADINGS) made.className = kind;
    if (made instanceof HTMLTableCellElement && made.localName === "th") made.scope = "col";
    if (BLOCKS.has(made.localName)) made.dir = "auto";
    this.#push(made);
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    const here = this.#here;
    if (name === "language" && this.#code) this.#code.language = value;
    if (name === "start" && here instanceof HTMLOListElement) here.start = Number(value);
    if (name === "checked" && here instanceof HTMLInputElement) here.checked = true;
  }

  /** @param {string} text */
  text(text) {
    if (this.#code) return this.#code.append(text);
    if (this.#here.localName === "p" && /^\s/.test(text)) this.#shorten();
    appendText(this.#here, text);
  }

  /** Continue a long paragraph in another: each frame lays out all of it. */
  #shorten() {
    if (this.#here.textContent.length < CHUNK_CHARS) return;
    this.#open.pop();
    this.open("p");
    this.#here.classList.add("goes-on");
  }

  /** A link instead of the picture: loading it would disclose the reader to another site. @param {Picture} image */
  image({ alt, link }) {
    const text = alt || "image";
    if (this.#here.closest("a")) return appendText(this.#here, text); // no link in a link
    const made = element("a", "picture", text);
    this.#here.append(made);
    linkTo(made, link);
  }

  /** @param {Ending} [ending] */
  close(ending) {
    const closed = this.#here;
    this.#open.pop();
    if (closed.localName === "tr" && !closed.parentElement) setHead(this.#here, closed);
    if (this.#code?.element === closed) this.#finishCode(this.#code);
    if (!ending) return;
    if (ending.link && closed instanceof HTMLAnchorElement) return linkTo(closed, ending.link);
    closed.prepend(ending.before); // a refused link: show its source
    closed.append(ending.after);
  }

  /** @param {Exclude<Kind, "codeblock" | "table" | "tr">} kind */
  #tag(kind) {
    if (kind in HEADINGS) return HEADINGS[kind];
    if (kind === "checkbox") return "input";
    return kind === "td" && !this.#here.parentElement ? "th" : kind; // the head row is not in the page yet
  }

  #openCode() {
    this.#code = new CodeBlock();
    this.#push(this.#code.element);
  }

  /** @param {CodeBlock} code */
  #finishCode(code) {
    code.finish();
    this.#code = null;
  }

  #openTable() {
    const { frame, table } = framedTable();
    this.#here.append(frame);
    this.#open.push(table);
  }

  /** @param {HTMLElement} made */
  #push(made) {
    this.#here.append(made);
    this.#open.push(made);
  }
}
