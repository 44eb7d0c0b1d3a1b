import assert from "node:assert/strict";
import { test } from "node:test";

import { isFolded, messageOf } from "../../../chat/static/chat/attachments/pasted_texts.js";

test("a long text, or one of many lines, is folded", () => {
  assert.ok(!isFolded("a".repeat(4_000)));
  assert.ok(isFolded("a".repeat(4_001)));
  assert.ok(!isFolded("a\n".repeat(99)));
  assert.ok(isFolded("a\n".repeat(100)));
});

test("a message is what was written, then what was pasted, unchanged", () => {
  assert.equal(messageOf("Why?", []), "Why?");
  assert.equal(messageOf("Why? ", ["  one\n", "two"]), "Why? \n\n  one\n\n\ntwo");
  assert.equal(messageOf(" ", ["one"]), "one");
});
