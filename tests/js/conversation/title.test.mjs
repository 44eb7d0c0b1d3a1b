import assert from "node:assert/strict";
import { test } from "node:test";

import { titleOf } from "../../../chat/static/chat/conversation/title.js";

test("a title has the first whole words of a question, as on the server", () => {
  assert.equal(titleOf("  How\n deep  is it? "), "How deep is it?");
  assert.equal(titleOf("x".repeat(60)), "x".repeat(60));
  assert.equal(titleOf("x".repeat(61)), `${"x".repeat(59)}…`);
  assert.equal(titleOf(`${"word ".repeat(11)}is cut here`), `${"word ".repeat(11)}is…`);
  assert.equal(titleOf("🌊".repeat(61)), `${"🌊".repeat(59)}…`);
});
