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

test("Ctrl K searches, also while typing and without single keys, and no other combination does", () => {
  const press = { key: "k", ctrlKey: true, typing: true, single: false };
  assert.equal(actionOf(press), "search");
  assert.equal(actionOf({ ...press, shiftKey: true }), null);
  assert.equal(actionOf({ ...press, isComposing: true }), null);
  assert.equal(actionOf({ key: "k", single: false }), null);
});
