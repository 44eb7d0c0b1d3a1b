import assert from "node:assert/strict";
import { test } from "node:test";

import { coveredPx } from "../../../chat/static/chat/shell/viewport.js";

test("the room of a keyboard is the covered end of the layout viewport", () => {
  assert.equal(coveredPx(800, { height: 800, offsetTop: 0, scale: 1 }), 0);
  assert.equal(coveredPx(800, { height: 460.4, offsetTop: 0, scale: 1 }), 340);
  assert.equal(coveredPx(800, { height: 460, offsetTop: 100, scale: 1 }), 240);
  assert.equal(coveredPx(800, { height: 820, offsetTop: 0, scale: 1 }), 0);
});

test("a zoomed page has no keyboard to make room for", () => {
  assert.equal(coveredPx(800, { height: 400, offsetTop: 0, scale: 2 }), 0);
});
