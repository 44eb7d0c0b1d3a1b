import assert from "node:assert/strict";
import { test } from "node:test";

import { delayBefore } from "../../../chat/static/chat/server/socket.js";

test("the wait before a reconnect doubles, and stays under ten seconds", () => {
  const longest = (/** @type {number} */ attempt) => delayBefore(attempt, () => 1);
  assert.equal(longest(1), 2 * longest(0));
  assert.equal(longest(50), 10_000);
  assert.equal(
    delayBefore(5, () => 0),
    0,
  );
});
