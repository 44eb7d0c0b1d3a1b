import assert from "node:assert/strict";
import { test } from "node:test";

import { lengthOf, measured, tokensOf } from "../../../chat/static/chat/shell/message_length.js";

const LIMITS = { characters: 1_000, context: null };

test("characters are counted as the server counts them", () => {
  assert.equal(lengthOf("a🌊é"), 3);
});

test("tokens are estimated by bytes, as on the server", () => {
  assert.equal(tokensOf(0), 8);
  assert.equal(tokensOf(31), 19);
});

test("the length is shown near the limit only", () => {
  assert.deepEqual(measured("a".repeat(100), LIMITS), { over: false, words: "" });
  assert.deepEqual(measured("a".repeat(950), LIMITS), { over: false, words: "950 of 1,000 characters" });
  assert.deepEqual(measured("🌊".repeat(950), LIMITS), { over: false, words: "950 of 1,000 characters" });
  assert.deepEqual(measured("🌊".repeat(500), LIMITS), { over: false, words: "" });
  assert.deepEqual(measured("a".repeat(1_200), LIMITS), { over: true, words: "200 characters too many" });
});

test("the model's context is the smaller limit, in tokens", () => {
  const limits = { characters: 1_000, context: 108 };
  assert.deepEqual(measured("a".repeat(200), limits), { over: false, words: "" });
  assert.deepEqual(measured("a".repeat(300), limits), { over: false, words: "About 108 of 108 tokens" });
  const length = "about 109 tokens, and this model takes 108";
  assert.deepEqual(measured("a".repeat(301), limits), { over: false, words: `Perhaps too long: ${length}` });
  assert.deepEqual(measured("水".repeat(101), limits), { over: false, words: `Perhaps too long: ${length}` });
  assert.deepEqual(measured("水".repeat(208), limits), {
    over: false,
    words: `Perhaps too long: ${length.replace("109", "216")}`,
  });
  assert.deepEqual(measured("水".repeat(209), limits), { over: true, words: `Too long: ${length.replace("109", "217")}` });
});
