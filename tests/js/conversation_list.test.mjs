import assert from "node:assert/strict";
import { test } from "node:test";

import { ConversationList } from "../../chat/static/chat/conversation_list.js";

const summary = (id, updated_at, more = {}) => ({
  id,
  title: `about ${id}`,
  updated_at,
  running: false,
  unread: false,
  ...more,
});

const list = (...conversations) => new ConversationList({ conversations, more: null });
const ids = (known) => known.rows.map((row) => row.id);

test("the newest activity is first, and a change moves its conversation up", () => {
  const known = list(summary("a", 1), summary("b", 2));
  assert.deepEqual(ids(known), ["b", "a"]);
  known.put(summary("a", 3, { running: true }));
  assert.deepEqual(ids(known), ["a", "b"]);
  assert.ok(known.get("a").running);
});

test("a page that overlaps the one before it doubles nothing", () => {
  const known = list(summary("a", 3), summary("b", 2));
  known.extend({ conversations: [summary("b", 2), summary("c", 1)], more: "cursor" });
  assert.deepEqual(ids(known), ["a", "b", "c"]);
  assert.equal(known.more, "cursor");
});

test("a new conversation is no result of a search, but what was found is kept up to date", () => {
  const known = list(summary("a", 1));
  known.search = "about";
  known.put(summary("b", 2));
  known.put(summary("a", 3, { unread: true }));
  assert.deepEqual(ids(known), ["a"]);
  assert.ok(known.get("a").unread);
});

test("the keyboard goes from row to row and stops at the ends", () => {
  const known = list(summary("a", 3), summary("b", 2), summary("c", 1));
  assert.equal(known.neighbour("a", 1), "b");
  assert.equal(known.neighbour("b", -1), "a");
  assert.equal(known.neighbour("a", -1), null);
  assert.equal(known.neighbour("c", 1), null);
  assert.equal(known.neighbour(null, 1), "a");
  assert.equal(known.neighbour(null, -1), "c");
});

test("a deleted conversation is gone", () => {
  const known = list(summary("a", 1), summary("b", 2));
  known.remove("b");
  assert.deepEqual(ids(known), ["a"]);
  assert.equal(known.get("b"), null);
});
