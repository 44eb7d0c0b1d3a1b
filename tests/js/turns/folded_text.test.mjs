import assert from "node:assert/strict";
import { test } from "node:test";

import { CONTINUE, CONTINUE_QUESTION } from "../../../chat/static/chat/sentences/turns.js";
import { beginningOf, countLines } from "../../../chat/static/chat/turns/folded_text.js";

test("a short text is whole", () => {
  for (const text of ["", "a", "a\n".repeat(11), "a".repeat(1_500)]) assert.equal(beginningOf(text), text);
});

test("a long one shows its first lines or characters", () => {
  const lines = Array.from({ length: 500 }, (_, at) => `line ${at}`);
  assert.equal(beginningOf(lines.join("\n")), `${lines.slice(0, 12).join("\n")}…`);
  assert.equal(beginningOf("a".repeat(1_501)), `${"a".repeat(1_500)}…`);
});

test("no character is cut in two", () => {
  const beginning = beginningOf(`a${"🌊".repeat(1_000)}`);
  assert.equal(beginning, `a${"🌊".repeat(749)}…`);
  assert.ok(beginning.isWellFormed());
});

test("the question of Continue is one word", () => {
  assert.equal(beginningOf(CONTINUE_QUESTION), CONTINUE);
});

test("lines are counted", () => {
  assert.equal(countLines("a"), 1);
  assert.equal(countLines("a\nb\n"), 3);
});
