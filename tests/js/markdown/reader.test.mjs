/** Trees of Markdown: bounds, and what the next character may change. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { directionOf, kidsOf, MarkdownReader, plainText } from "../../../chat/static/chat/markdown/reader.js";

/** The trees of a text. @param {string} text */
const treesOf = (text, over = true) => new MarkdownReader().read(text, { over }).flatMap(({ trees }) => trees);

/** Every element. @param {Kid[]} kids @returns {Tree[]} */
const all = (kids) => kids.flatMap((kid) => (typeof kid === "string" ? [] : [kid, ...all(kidsOf(kid))]));

/** @param {string} text @param {boolean} over */
const links = (text, over) => all(treesOf(text, over)).filter(({ tag }) => tag === "a").length;

test("an address at the end is a link once another character follows", () => {
  for (const text of ["see https://a.org/x", "- b\n- https://a.org/x", "> https://a.org/x", "# https://a.org/x"]) {
    assert.equal(links(text, false), 0, text);
    assert.equal(links(`${text} `, false), 1, text);
    assert.equal(links(text, true), 1, text);
  }
  assert.equal(links("- https://a.org\n- https://a.org", false), 1);
});

test("marks in each other are bounded, and the blocks behind them are read", () => {
  const deep = `${"*a ".repeat(800)}b${"*".repeat(800)}\n\nnext **bold**`;
  const [first, second] = treesOf(deep);
  assert.equal(plainText([second]), "next bold");
  assert.equal(all([second]).filter(({ tag }) => tag === "strong").length, 1);
  assert.ok(all([first]).length < 100);
  const nested = `${"*a ".repeat(60)}b${"*".repeat(60)}`;
  const marks = all(treesOf(nested)).filter(({ tag }) => tag === "em").length;
  assert.ok(marks > 10 && marks < 30, `${marks} marks`);
});

test("a heading without text is none", () => {
  assert.equal(treesOf("#\n\ntext")[0].attributes?.role, "presentation");
  assert.equal(treesOf("# a")[0].attributes?.role, undefined);
});

test("the direction is that of the first letter", () => {
  assert.equal(directionOf("1. שלום abc"), "rtl");
  assert.equal(directionOf("(abc) سلام"), "ltr");
  assert.equal(directionOf("12"), "ltr");
});

// spaces of Markdown, those of JavaScript alone, and its other line ends
const SPACES = [..." \t\v\f\u00a0\u1680\u2003\u3000\ufeff\u0085\u2028\u2029"];
/** A block of code with these lines in its containers. @type {Record<string, (lines: string[]) => string[]>} */
const BLOCKS = {
  fence: (lines) => ["~~~", ...lines, "~~~"],
  item: (lines) => ["- a", ...BLOCKS.fence(lines).map((line) => `  ${line}`)],
  "first of an item": (lines) => ["1. ~~~", ...[...lines, "~~~"].map((line) => `   ${line}`)],
  quotation: (lines) => BLOCKS.fence(lines).map((line) => `> ${line}`),
  "item in a quotation": (lines) => BLOCKS.item(lines).map((line) => `> ${line}`),
  "item in two quotations": (lines) => BLOCKS["item in a quotation"](lines).map((line) => `> ${line}`),
  "quotation in an item": (lines) => ["- a", ...BLOCKS.quotation(lines).map((line) => `  ${line}`)],
  indented: (lines) => lines.map((line) => `    ${line}`),
  "indented in an item": (lines) => ["- a", "", ...lines.map((line) => `      ${line}`)],
};

test("code keeps each space, in every container", () => {
  const pairs = SPACES.flatMap((one) => SPACES.map((other) => one + other));
  const lines = pairs.flatMap((pair) => ["x", ...SPACES.map((space) => `${pair}${space}x${space}`), pair, "x"]);
  for (const [name, block] of Object.entries(BLOCKS)) {
    for (const end of ["\n", "\r\n"]) {
      const codes = all(treesOf(block(lines).join(end))).flatMap(({ code }) => code?.text.split(end) ?? []);
      const wrong = codes.findIndex((line, index) => line !== lines[index]);
      assert.equal(wrong, -1, `${name}: ${JSON.stringify([codes[wrong], lines[wrong]])}`);
      assert.equal(codes.length, lines.length, name);
    }
  }
});
