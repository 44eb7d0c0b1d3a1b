import assert from "node:assert/strict";
import { test } from "node:test";

import { isKeyboardShown, isOfInputMethod, sends } from "../../../chat/static/chat/dom/keys.js";

const ENTER = { key: "Enter", code: "Enter", shiftKey: false, isComposing: false, keyCode: 13 };
const DESK = { touch: false, keyboardShown: false };
const TABLET = { touch: true, keyboardShown: false };

test("Enter sends, but for Shift and other keys", () => {
  assert.ok(sends(ENTER, DESK));
  assert.ok(sends({ ...ENTER, code: "NumpadEnter" }, DESK));
  assert.ok(!sends({ ...ENTER, shiftKey: true }, DESK));
  assert.ok(!sends({ ...ENTER, key: "a" }, DESK));
});

test("the Enter that confirms a word of an input method never sends", () => {
  for (const confirming of [{ isComposing: true }, { isComposing: false, keyCode: 229 }]) {
    assert.ok(isOfInputMethod({ ...ENTER, ...confirming }));
    for (const situation of [DESK, TABLET]) assert.ok(!sends({ ...ENTER, ...confirming }, situation));
  }
  assert.ok(!isOfInputMethod(ENTER));
});

test("on a touch screen the Enter of a hardware keyboard sends, that of an on-screen keyboard makes a line", () => {
  assert.ok(sends(ENTER, TABLET));
  assert.ok(!sends(ENTER, { ...TABLET, keyboardShown: true }));
  assert.ok(!sends({ ...ENTER, code: "" }, TABLET));
});

test("the bar above a hardware keyboard is no keyboard", () => {
  assert.ok(!isKeyboardShown(0, 768));
  assert.ok(!isKeyboardShown(69, 768));
  assert.ok(isKeyboardShown(340, 768));
  assert.ok(isKeyboardShown(260, 640));
});
