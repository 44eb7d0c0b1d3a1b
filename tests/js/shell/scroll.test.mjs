import assert from "node:assert/strict";
import { test } from "node:test";

import { follows } from "../../../chat/static/chat/shell/scroll.js";

test("scrolling up stops the following, the end starts it again", () => {
  assert.ok(!follows(true, { before: 500, after: 490, below: 10 }));
  assert.ok(follows(false, { before: 480, after: 490, below: 10 }));
  assert.ok(!follows(false, { before: 300, after: 400, below: 100 }));
});

test("a page that grew or shrank is still followed", () => {
  assert.ok(follows(true, { before: 500, after: 500, below: 200 }));
  assert.ok(follows(true, { before: 500, after: 300, below: 0 }));
});
