import assert from "node:assert/strict";
import { test } from "node:test";

import { ConversationList } from "../../../chat/static/chat/sidebar/conversation_list.js";
import { summary } from "../rows.mjs";

/** @param {Summary[]} conversations */
const list = (...conversations) => new ConversationList({ conversations, more: null });
/** @param {ConversationList} known */
const ids = (known) => known.rows.map((row) => row.id);

test("the newest activity is first, and a change moves its conversation up", () => {
  const known = list(summary("a", 1), summary("b", 2));
  assert.deepEqual(ids(known), ["b", "a"]);
  known.put(summary("a", 3, { running: true }));
  assert.deepEqual(ids(known), ["a", "b"]);
  assert.ok(known.get("a")?.running);
});

test("a page that overlaps the one before it doubles nothing", () => {
  const known = list(summary("a", 3), summary("b", 2));
  known.extend({ conversations: [summary("b", 2), summary("c", 1)], more: "cursor" });
  assert.deepEqual(ids(known), ["a", "b", "c"]);
  assert.equal(known.more, "cursor");
});

test("a new conversation is no result of a search, but the results stay up to date", () => {
  const known = list(summary("a", 1));
  known.search = "about";
  known.put(summary("b", 2));
  known.put(summary("a", 3, { unread: true }));
  assert.deepEqual(ids(known), ["a"]);
  assert.ok(known.get("a")?.unread);
});

test("a page that was fetched before a change does not revert it", () => {
  const known = list(summary("a", 1, { running: true }), summary("b", 1), summary("c", 1));
  const since = known.version;
  known.put(summary("a", 2, { unread: true }));
  known.put(summary("b", 1, { title: "renamed" }));
  known.put(summary("d", 3));
  known.remove("c");
  const page = [summary("a", 1, { running: true }), summary("b", 1), summary("c", 1)];
  known.fill({ conversations: page, more: null }, since);
  assert.deepEqual(ids(known), ["d", "a", "b"]);
  assert.deepEqual(known.get("a"), summary("a", 2, { unread: true }));
  assert.equal(known.get("b")?.title, "renamed");
  known.extend({ conversations: page, more: null }, since);
  assert.deepEqual(ids(known), ["d", "a", "b"]);
});

test("a page replaces a change that came before its fetch, or that is older", () => {
  const known = list(summary("a", 1));
  const since = known.version;
  known.put(summary("a", 3, { running: true }));
  known.fill({ conversations: [summary("a", 4)], more: null }, since);
  assert.deepEqual(known.get("a"), summary("a", 4), "read later");
  known.put(summary("a", 6, { running: true }));
  known.put(summary("b", 6));
  known.fill({ conversations: [summary("a", 5)], more: null }, known.version);
  assert.deepEqual(known.rows, [summary("a", 5)], "the last notification was lost, and the worker's clock is slow");
});

test("a change stays out of the results of a search, also if it came during the fetch", () => {
  const known = list(summary("a", 1));
  known.search = "about";
  const since = known.version;
  known.put(summary("b", 2));
  known.fill({ conversations: [summary("a", 1)], more: null }, since);
  assert.deepEqual(ids(known), ["a"]);
});

test("a fetched summary is taken, unless there is a later change", () => {
  const known = list(summary("a", 1, { running: true }));
  known.merge(summary("a", 1, { title: "renamed" }));
  assert.equal(known.get("a")?.title, "renamed");
  known.put(summary("a", 2, { unread: true }));
  known.merge(summary("a", 1, { running: true }));
  assert.deepEqual(known.get("a"), summary("a", 2, { unread: true }));
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

test("a deleted conversation leaves the list", () => {
  const known = list(summary("a", 1), summary("b", 2));
  known.remove("b");
  assert.deepEqual(ids(known), ["a"]);
  assert.equal(known.get("b"), null);
});

test("a reply from before a deletion does not restore the conversation", () => {
  const known = list(summary("a", 1));
  known.remove("a");
  known.merge(summary("a", 1));
  assert.deepEqual(ids(known), []);
  known.put(summary("a", 2)); // restored
  known.merge(summary("a", 2, { title: "renamed" }));
  assert.deepEqual(ids(known), ["a"]);
});

test("pinned ones come first, the latest pin before the others", () => {
  const known = list(summary("a", 9), summary("b", 1, { pinned_at: 5 }), summary("c", 2, { pinned_at: 6 }));
  assert.deepEqual(ids(known), ["c", "b", "a"]);
  assert.equal(known.neighbour("b", 1), "a");
  known.put(summary("c", 2));
  assert.deepEqual(ids(known), ["b", "a", "c"]);
});
