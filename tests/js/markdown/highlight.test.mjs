import assert from "node:assert/strict";
import { test } from "node:test";

import { highlight, LONGEST } from "../../../chat/static/chat/markdown/highlight.js";
import { seeded } from "../random.mjs";

/** @param {string} code @param {string} language */
const kinds = (code, language) =>
  highlight(code, language)
    .filter(({ kind }) => kind)
    .map(({ kind, text }) => [kind, text]);

test("comments, strings, numbers, keywords and calls are distinguished", () => {
  assert.deepEqual(kinds('def f(x):  # why\n    return "a # b" + 12', "python"), [
    ["keyword", "def"],
    ["called", "f"],
    ["comment", "# why"],
    ["keyword", "return"],
    ["string", '"a # b"'],
    ["number", "12"],
  ]);
  assert.deepEqual(kinds("const redo = `x`; // return", "js"), [
    ["keyword", "const"],
    ["string", "`x`"],
    ["comment", "// return"],
  ]);
  assert.deepEqual(kinds("select 1 -- x", "SQL"), [
    ["keyword", "select"],
    ["number", "1"],
    ["comment", "-- x"],
  ]);
  assert.deepEqual(kinds("+a\n-b\n c", "diff"), [
    ["added", "+a"],
    ["removed", "-b"],
  ]);
});

test("unknown languages and endless code stay plain", () => {
  assert.deepEqual(highlight("if x", "klingon"), [{ kind: null, text: "if x" }]);
  assert.equal(highlight("1 ".repeat(LONGEST), "python").length, 1);
});

test("the pieces of any code add up to it, within half a second", () => {
  const random = seeded(5);
  const bits = [
    "'",
    '"',
    '"""',
    "`",
    "\\",
    "#",
    "//",
    "/*",
    "*/",
    "<!--",
    "<a",
    ">",
    "\n",
    " ",
    "if",
    "name",
    "12",
    "(",
    "é🌊",
  ];
  for (const language of ["python", "js", "sh", "sql", "ruby", "json", "css", "html", "diff"]) {
    for (let round = 0; round < 100; round += 1) {
      const code = Array.from({ length: random(60) }, () => bits[random(bits.length)]).join("");
      assert.equal(
        highlight(code, language)
          .map(({ text }) => text)
          .join(""),
        code,
      );
    }
    for (const bit of bits) {
      const began = performance.now();
      highlight(bit.repeat(LONGEST / bit.length), language);
      assert.ok(performance.now() - began < 500, `${language}: ${bit}`);
    }
  }
});
