import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf, SHORTCUTS } from "../../../chat/static/chat/shell/shortcuts.js";

test("each key has one meaning", () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  assert.equal(new Set(keys).size, keys.length);
  for (const {
    action,
    keys: [key],
  } of SHORTCUTS)
    assert.equal(actionOf({ key }), action);
});

test("no key is taken while typing, nor from the browser", () => {
  assert.equal(actionOf({ key: "n" }), "create");
  for (const flag of ["typing", "isComposing", "ctrlKey", "metaKey", "altKey"]) {
    assert.equal(actionOf({ key: "n", [flag]: true }), null, flag);
  }
  assert.equal(actionOf({ key: "x" }), null);
});
