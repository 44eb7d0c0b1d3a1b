/**
 * Markdown that grows: only the end of the text is read again. A finished block, item, row or part of a paragraph is read no
 * more, unless a definition that it uses comes later.
 */

import { CodeBlock } from "./code_block.js";
import { keepColumns } from "./columns.js";
import { finishedCount, labelsOf } from "./finished_blocks.js";
import { typeset } from "./formulas.js";
import { GrowingCode } from "./growing_code.js";
import { headOf, innerParts } from "./inner_parts.js";
import { Patcher } from "./patch.js";
import { directionOf, MarkdownReader, withDefinitions } from "./reader.js";

const REST = 3; // a reading waits that many times as long as the last one took

export class GrowingMarkdown {
  #root;
  #reader;
  #patcher = new Patcher();
  #tail = ""; // text that is read again
  /** @type {ChildNode | null} */ #last = null; // the last finished block
  /** @type {Inside | null} */ #inside = null;
  /** @type {GrowingCode | null} */ #code = null;
  #held = ""; // a carriage return: a line feed may follow
  /** @type {string | null} */ #goesOn = null; // the tail begins inside a paragraph of this direction
  /** @type {Map<string, FinishedText[]>} */ #finished = new Map(); // texts that a later definition of a label may change
  #nextReading = 0;
  #waits = false;

  /** @param {HTMLElement} root */
  constructor(root, reader = new MarkdownReader()) {
    this.#root = root;
    this.#reader = reader;
  }

  /** Add text; returns whether all is shown: a slow reading makes the next one wait. @param {string} text */
  write(text) {
    const all = this.#held + text;
    this.#held = all.endsWith("\r") ? "\r" : "";
    const added = all.slice(0, all.length - this.#held.length);
    this.#tail += added;
    this.#waits ||= added !== "";
    if (this.#waits && performance.now() >= this.#nextReading) this.#read(false);
    return !this.#waits;
  }

  end() {
    this.#tail += this.#held;
    this.#held = "";
    this.#read(true);
  }

  /** @param {boolean} over */
  #read(over) {
    const begun = performance.now();
    this.#waits = false;
    if (this.#code) this.#readCode(over);
    if (!this.#code) this.#readBlocks(over);
    this.#typeset(over);
    const ended = performance.now();
    this.#nextReading = ended + REST * (ended - begun);
  }

  /** @param {boolean} over */
  #readCode(over) {
    this.#tail = this.#code?.write(this.#tail, over) ?? "";
    if (this.#code?.ended) this.#code = null;
  }

  /** @param {boolean} over */
  #readBlocks(over) {
    const prefix = this.#inside?.prefix ?? "";
    const text = prefix + this.#tail.replace(/\r\n?/g, "\n");
    const place = { inside: this.#inside !== null, goesOn: this.#goesOn !== null };
    const blocks = this.#reader.read(text, { over, ...place, source: prefix + this.#tail });
    this.#place(blocks);
    const ready = finishedCount(blocks, text, over);
    if (ready) this.#finishBlocks(blocks, ready);
    const open = blocks[ready];
    const cut = open?.start ?? (over ? text.length : 0);
    if (cut > prefix.length) this.#drop(cut - prefix.length);
    if (open && blocks.length - ready === 1) this.#goInside(open, text.slice(cut), ready ? "" : prefix);
  }

  /** @param {Block[]} blocks */
  #place(blocks) {
    const trees = blocks.flatMap((block) => block.trees);
    if (this.#goesOn) continueParagraph(trees, this.#goesOn);
    const inside = this.#inside;
    if (!inside) return this.#patcher.place(this.#root, this.#last, trees);
    const [first, ...others] = trees;
    const isLoose = inside.loose || /\bloose\b/.test(first.attributes?.class ?? "");
    inside.container.classList.toggle("loose", isLoose);
    if (!inside.container.className) inside.container.removeAttribute("class");
    this.#patcher.place(inside.container, inside.last, inside.kidsOf(first));
    this.#patcher.place(this.#root, inside.top, others);
  }

  /** @param {Block[]} blocks @param {number} ready */
  #finishBlocks(blocks, ready) {
    const finished = blocks.slice(0, ready);
    for (const block of finished) if (block.token.type !== "def") this.#finishBlock(block);
    this.#define(finished.map(({ defines }) => defines));
  }

  /** @param {(LinkDefinitions | null)[]} definitions */
  #define(definitions) {
    const found = definitions.reduce(withDefinitions, null);
    const labels = found ? this.#reader.define(found) : [];
    if (labels.length) this.#readAgain(labels);
  }

  /** @param {Pick<Block, "token" | "trees">} block */
  #finishBlock({ token, trees }) {
    const inside = this.#inside;
    if (inside) {
      const parts = innerParts(token, trees);
      this.#finishParts(inside, parts?.texts ?? []);
      this.#last = inside.top;
      this.#inside = null;
      return;
    }
    const parts = trees.length > 1 ? innerParts(token, trees) : null;
    trees.forEach((_, index) => {
      const node = /** @type {ChildNode} */ (this.#last ? this.#last.nextSibling : this.#root.firstChild);
      this.#finish(node, parts?.texts[index] ?? token.raw, blockLike(node));
      this.#last = node;
    });
    this.#goesOn = null;
  }

  /** @param {Inside} inside @param {string[]} texts */
  #finishParts(inside, texts) {
    for (const text of texts) {
      const node = /** @type {ChildNode | null} */ (inside.last ? inside.last.nextSibling : inside.container.firstChild);
      if (!node) return;
      this.#finish(node, inside.prefix + text, (read) => inside.kidsOf(read[0].trees[0])[0], true);
      inside.last = node;
    }
  }

  /** @param {ChildNode} node @param {string} text @param {FinishedText["pick"]} pick */
  #finish(node, text, pick, inside = false) {
    const element = /** @type {Element} */ (node);
    for (const each of [element, ...element.querySelectorAll(".code-block")]) CodeBlock.of(each)?.finish();
    if (!text.includes("[") || CodeBlock.of(node)) return;
    const finished = { node, text, pick, inside, goesOn: element.classList.contains("goes-on") };
    for (const label of labelsOf(text)) {
      if (label in this.#reader.links) continue;
      const others = this.#finished.get(label);
      if (others) others.push(finished);
      else this.#finished.set(label, [finished]);
    }
  }

  /**
   * The last block is open: of a list, table, code or long paragraph only its end is read from now on.
   * @param {Block} block
   * @param {string} text from the beginning of the block
   * @param {string} prefix of the text: the head of a table
   */
  #goInside(block, text, prefix) {
    const top = /** @type {HTMLElement} */ (
      this.#inside?.top ?? (this.#last ? this.#last.nextSibling : this.#root.firstChild)
    );
    const code = !this.#inside && GrowingCode.from(block.token, CodeBlock.of(top), this.#tail);
    if (code) {
      this.#code = code;
      this.#last = top;
      this.#tail = code.rest;
      return this.#readCode(false);
    }
    const parts = innerParts(block.token, block.trees);
    const done = parts?.starts.findLastIndex((start) => parts.isOpenAt(text, start)) ?? 0;
    if (!parts || done < 1) return;
    if (!parts.inside) this.#finishParagraphParts(parts.texts.slice(0, done));
    else {
      this.#inside ??= this.#opened({ top, last: null, loose: false, ...parts.inside(top) });
      this.#finishParts(this.#inside, parts.texts.slice(0, done));
      this.#inside.loose ||= parts.loosens.slice(0, done).includes(true);
      keepColumns(this.#inside.container);
      this.#define(parts.defines.slice(0, done));
    }
    this.#drop(parts.starts[done] - prefix.length);
  }

  /** The head of a table is finished, too. @param {Inside} inside */
  #opened(inside) {
    const { container, prefix } = inside;
    const head = container.previousSibling;
    if (prefix && head) this.#finish(head, prefix, ([block]) => headOf(block.trees[0]), true);
    return inside;
  }

  /** @param {string[]} texts */
  #finishParagraphParts(texts) {
    for (const text of texts) {
      const node = /** @type {HTMLElement} */ (this.#last ? this.#last.nextSibling : this.#root.firstChild);
      this.#finish(node, text, blockLike(node));
      this.#last = node;
      this.#goesOn ??= directionOf(node.textContent ?? "");
    }
  }

  /** Drop the beginning of the tail. @param {number} length without carriage returns before line feeds */
  #drop(length) {
    let at = length;
    if (this.#tail.includes("\r")) {
      at = 0;
      for (let left = length; left > 0; left -= 1) at += this.#tail.startsWith("\r\n", at) ? 2 : 1;
    }
    this.#tail = this.#tail.slice(at);
  }

  /** @param {string[]} labels */
  #readAgain(labels) {
    for (const each of new Set(labels.flatMap((label) => this.#finished.get(label) ?? []))) {
      const { inside, goesOn } = each;
      const tree = each.pick(this.#reader.read(each.text, { over: true, inside, goesOn }));
      if (!tree || typeof tree === "string") continue;
      const before = each.node;
      each.node = this.#patcher.updateText(before, tree);
      if (this.#last === before) this.#last = each.node;
    }
    for (const label of labels) this.#finished.delete(label);
  }

  /** Typeset the formulas that the next character cannot change. @param {boolean} over */
  #typeset(over) {
    const text = this.#tail.trimEnd();
    this.#patcher.waiting = this.#patcher.waiting.filter(({ holder, source, display, raw }) => {
      if (!this.#root.contains(holder)) return false;
      if (!over && text.endsWith(raw.trimEnd())) return true;
      typeset(holder, source, display);
      return false;
    });
  }
}

/** Chooses the tree of a block that is read again; it may continue a paragraph. @param {Node} node @returns {FinishedText["pick"]} */
function blockLike(node) {
  const { classList, dir } = /** @type {HTMLElement} */ (node);
  return ([block]) => {
    const [tree] = block?.trees ?? [];
    if (tree && classList.contains("goes-on")) continueParagraph([tree], dir);
    return tree;
  };
}

/** Give the first part, and those that continue it, the direction of the paragraph. @param {Tree[]} trees @param {string} dir */
function continueParagraph(trees, dir) {
  for (const [index, { tag, attributes }] of trees.entries()) {
    if (tag !== "p" || (index > 0 && attributes?.class !== "goes-on")) return;
    trees[index].attributes = { dir, class: "goes-on" };
  }
}
