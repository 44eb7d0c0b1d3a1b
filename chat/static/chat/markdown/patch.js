/** Makes the page equal to trees: nodes that are the same stay, text that grew is appended, so a selection survives. */

import { element } from "../dom/elements.js";
import { CodeBlock } from "./code_block.js";

/** @type {WeakMap<Node, string>} */
const keys = new WeakMap();
/** @type {WeakMap<Node, string>} */
const formulas = new WeakMap();

export class Patcher {
  /** @type {WaitingFormula[]} */ waiting = []; // not typeset yet
  #keepsCode = false;

  /**
   * The nodes behind `after` (null: all) become these.
   * @param {Node} parent
   * @param {Node | null} after
   * @param {Kid[]} wanted
   */
  place(parent, after, wanted) {
    let node = after ? after.nextSibling : parent.firstChild;
    for (const want of wanted) {
      const made = typeof want === "string" ? this.#text(node, want) : this.#element(node, want);
      if (!node) parent.appendChild(made);
      else if (made !== node) parent.replaceChild(made, node);
      node = made.nextSibling;
    }
    while (node) {
      const next = node.nextSibling;
      parent.removeChild(node);
      node = next;
    }
  }

  /** Make one node equal to a tree, except its code; returns the node that is there then. @param {ChildNode} node @param {Tree} tree */
  updateText(node, tree) {
    const codes = codesIn(node);
    this.#keepsCode = true;
    const made = /** @type {ChildNode} */ (this.#element(node, tree));
    this.#keepsCode = false;
    for (const [index, code] of codesIn(made).entries()) if (codes[index]) code.replaceWith(codes[index]);
    if (made !== node) node.replaceWith(made);
    return made;
  }

  /** @param {Node | null} have @param {string} want */
  #text(have, want) {
    if (!(have instanceof Text)) return document.createTextNode(want);
    const old = have.data;
    if (want.startsWith(old)) {
      if (want.length > old.length) have.appendData(want.slice(old.length));
      return have;
    }
    let same = 0;
    while (same < old.length && old[same] === want[same]) same += 1;
    have.replaceData(same, old.length - same, want.slice(same));
    return have;
  }

  /** @param {Node | null} have @param {Tree} want @returns {Node} */
  #element(have, want) {
    if (want.code) return this.#code(have, want.code);
    const made = this.#reusable(have, want);
    if (want.key !== null && keys.get(made) === want.key) return made;
    if (want.formula && formulas.get(made) === want.formula.raw) return made;
    setAttributes(made, want.attributes);
    this.place(made, null, typeof want.kids === "function" ? want.kids() : want.kids);
    if (want.key === null) keys.delete(made);
    else keys.set(made, want.key);
    if (want.formula) this.#await(made, want.formula);
    return made;
  }

  /** @param {Node | null} have @param {Tree} want */
  #reusable(have, want) {
    const fits = have instanceof HTMLElement && have.localName === want.tag && !CodeBlock.of(have);
    const isTypeset = have !== null && formulas.has(have) && formulas.get(have) !== want.formula?.raw;
    return fits && !isTypeset ? have : document.createElement(want.tag);
  }

  /** @param {Node | null} have @param {CodePart} code */
  #code(have, { text, language, ended }) {
    if (this.#keepsCode) return element("div", "code-block"); // the block itself takes its place
    const block = CodeBlock.of(have) ?? new CodeBlock();
    block.language = language;
    block.show(text);
    if (ended) block.finish();
    return block.element;
  }

  /** @param {HTMLElement} holder @param {FormulaPart} formula */
  #await(holder, formula) {
    formulas.set(holder, formula.raw);
    this.waiting.push({ holder, ...formula });
  }
}

/** @param {Node} node */
const codesIn = (node) => (node instanceof Element ? [...node.querySelectorAll(".code-block")] : []);

/** @param {Element} element @param {Attributes} wanted */
function setAttributes(element, wanted) {
  for (const name of element.getAttributeNames()) if (!wanted || !(name in wanted)) element.removeAttribute(name);
  for (const name in wanted) if (element.getAttribute(name) !== wanted[name]) element.setAttribute(name, wanted[name]);
}
