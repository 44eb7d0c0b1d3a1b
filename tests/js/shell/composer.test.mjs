import assert from "node:assert/strict";
import { test } from "node:test";

import { lengthOf, lengthText, sends } from "../../../chat/static/chat/shell/composer.js";

test("characters are counted as the server counts them", () => {
  assert.equal(lengthOf("a🌊é"), 3);
});

test("the length is shown near the limit only", () => {
  assert.equal(lengthText(100, 1000), "");
  assert.equal(lengthText(950, 1000), "950 of 1,000 characters");
  assert.equal(lengthText(1200, 1000), "200 characters too many");
});

test("Enter sends, but for Shift, an input method, and a touch screen", () => {
  const enter = { key: "Enter", shiftKey: false, isComposing: false };
  assert.ok(sends(enter, false));
  assert.ok(!sends(enter, true));
  assert.ok(!sends({ ...enter, shiftKey: true }, false));
  assert.ok(!sends({ ...enter, isComposing: true }, false));
  assert.ok(!sends({ ...enter, key: "a" }, false));
});
