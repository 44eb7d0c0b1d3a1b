/**
 * The DOM of an answer: the sink of markdown.js. Append-only, from the element names of this file and text.
 *
 * in:  open, set, text, image and close, in the order of the text
 * out: elements under a root
 */

import { element } from "../dom/elements.js";
import { CodeBlock } from "./code_block.js";
import { appendText, CHUNK_CHARS } from "./growing_text.js";
import { showsHost } from "./links.js";
import { addRow, framedTable, setHead } from "./table.js";

const BLOCKS = new Set(["p", "h4", "h5", "h6", "ul", "ol", "blockquote", "td", "th"]); // each has its own direction
const HEADINGS = { h1: "h4", h2: "h5", h3: "h6", h4: "h6", h5: "h6", h6: "h6" }; // the page itself uses h1 to h3

function linkTo(anchor, { href, host }) {
  Object.assign(anchor, { href, target: "_blank", rel: "noopener noreferrer nofollow", referrerPolicy: "no-referrer" });
  if (!showsHost(anchor.textContent, host)) anchor.append(" ", element("bdi", "host", host));
}

export class MarkdownNodes {
  #open; // the open nodes, innermost last
  #code = null;

  constructor(root) {
    this.#open = [root];
  }

  get #here() {
    return this.#open.at(-1);
  }

  open(kind) {
    if (kind === "codeblock") return this.#openCode();
    if (kind === "table") return this.#openTable();
    if (kind === "tr") return void this.#open.push(addRow(this.#here));
    const made = element(this.#tag(kind));
    if (kind === "checkbox") Object.assign(made, { type: "checkbox", disabled: true, ariaLabel: "Task" });
    if (kind in HEADINGS) made.className = kind;
    if (made.localName === "th") made.scope = "col";
    if (BLOCKS.has(made.localName)) made.dir = "auto";
    this.#push(made);
  }

  set(name, value) {
    if (name === "language") this.#code.language = value;
    else if (name === "start") this.#here.start = Number(value);
    else this.#here[name] = value;
  }

  text(text) {
    if (this.#code) return this.#code.append(text);
    if (this.#here.localName === "p" && /^\s/.test(text)) this.#shorten();
    appendText(this.#here, text);
  }

  /** Continue an endless paragraph in another one: each frame would lay out all of it again. */
  #shorten() {
    if (this.#here.textContent.length < CHUNK_CHARS) return;
    this.#open.pop();
    this.open("p");
    this.#here.classList.add("goes-on");
  }

  /** Show a link instead of a picture: loading one would disclose the reader to another site. */
  image({ alt, link }) {
    const text = alt || "image";
    if (this.#here.closest("a")) return appendText(this.#here, text); // no link in a link
    const made = element("a", "picture", text);
    this.#here.append(made);
    linkTo(made, link);
  }

  close(facts) {
    const closed = this.#open.pop();
    if (closed.localName === "tr" && !closed.parentElement) setHead(this.#here, closed);
    if (this.#code?.element === closed) this.#code = void this.#code.finish();
    if (!facts) return;
    if (facts.link) return linkTo(closed, facts.link);
    closed.prepend(facts.before); // no link after all: show its source
    closed.append(facts.after);
  }

  #tag(kind) {
    if (kind in HEADINGS) return HEADINGS[kind];
    if (kind === "checkbox") return "input";
    return kind === "td" && !this.#here.parentElement ? "th" : kind; // only the head row is not in the page yet
  }

  #openCode() {
    this.#code = new CodeBlock();
    this.#push(this.#code.element);
  }

  #openTable() {
    const { frame, table } = framedTable();
    this.#here.append(frame);
    this.#open.push(table);
  }

  #push(made) {
    this.#here.append(made);
    this.#open.push(made);
  }
}
