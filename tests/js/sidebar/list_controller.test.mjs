import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ApiError } from "../../../chat/static/chat/server/api_client.js";
import { ConversationList } from "../../../chat/static/chat/sidebar/conversation_list.js";
import { ListController } from "../../../chat/static/chat/sidebar/list_controller.js";
import { ListPages } from "../../../chat/static/chat/sidebar/list_pages.js";
import { summary } from "../rows.mjs";

/** @type {ConversationList} */
let list;
/** @type {unknown[][]} */
let requests;
/** @type {unknown[]} */
let replies; // of the API, in order; an Error rejects
/** @type {number[]} */
let failed;
/** @type {ListController} */
let controller;
/** @type {ListPages} */
let pages;

beforeEach(() => {
  list = new ConversationList({ conversations: [summary("a", 2), summary("b", 1)], more: "cursor" });
  requests = [];
  replies = [];
  failed = [];
  /** @template Reply @param {unknown[]} about @returns {Promise<Reply>} */
  const reply = async (...about) => {
    requests.push(about);
    const next = await replies.shift();
    if (next instanceof Error) throw next;
    return /** @type {Reply} */ (next);
  };
  const api = { list: reply, change: reply };
  pages = new ListPages(list, { api, changed: () => {} });
  controller = new ListController(list, {
    api,
    on: { changed: () => {}, failed: ({ status }) => void failed.push(status) },
  });
});

/** Hold the next request until the returned function is called. @param {unknown[]} others @returns {(reply: unknown) => void} */
function hold(...others) {
  /** @type {(reply: unknown) => void} */
  let answer = () => {};
  replies = [
    new Promise((resolve) => {
      answer = resolve;
    }),
    ...others,
  ];
  return answer;
}

const ids = () => list.rows.map((row) => row.id);

test("a rename shows at once, and is reverted if the server refuses it", async () => {
  replies = [new ApiError(400)];
  const renamed = controller.rename("a", "better");
  assert.equal(list.get("a")?.title, "better");
  await renamed;
  assert.equal(list.get("a")?.title, "about a");
  assert.deepEqual(failed, [400]);
});

test("a refused change does not restore a conversation deleted elsewhere meanwhile", async () => {
  for (const change of [() => controller.rename("a", "better"), () => controller.remove("a")]) {
    list.put(summary("a", 2));
    const refuse = hold();
    const changing = change();
    controller.applyChange({ ...summary("a", 3), deleted: true });
    refuse(new ApiError(404));
    assert.ok(!(await changing));
    assert.deepEqual(ids(), ["b"]);
  }
});

test("a refused rename does not restore a conversation deleted here meanwhile", async () => {
  const refuse = hold(summary("a", 2));
  const renaming = controller.rename("a", "better");
  await controller.remove("a");
  refuse(new ApiError(0));
  await renaming;
  assert.deepEqual(ids(), ["b"]);
});

test("a refused rename reverts only the title", async () => {
  list.put(summary("a", 2, { unread: true }));
  const refuse = hold(summary("a", 2));
  const renaming = controller.rename("a", "better");
  await controller.markRead("a");
  refuse(new ApiError(400));
  await renaming;
  assert.deepEqual(list.get("a"), summary("a", 2));
});

test("a conversation that the server does not find is removed, whatever the change", async () => {
  const changes = [
    () => controller.rename("a", "better"),
    () => controller.remove("a"),
    () => controller.restore(summary("a", 2)),
  ];
  for (const change of changes) {
    list.put(summary("a", 2));
    replies = [new ApiError(404)];
    assert.ok(!(await change()));
    assert.deepEqual(ids(), ["b"]);
  }
});

test("a refused rename does not revert a later one", async () => {
  const refuse = hold({ ...summary("a", 2), title: "best" });
  const renaming = controller.rename("a", "better");
  await controller.rename("a", "best");
  refuse(new ApiError(0));
  await renaming;
  assert.equal(list.get("a")?.title, "best");
});

test("a refused pin is reverted, and says why; a rename meanwhile stays", async () => {
  const refuse = hold(summary("b", 1, { title: "better" }));
  const pinning = controller.pin("b", true);
  assert.deepEqual(ids(), ["b", "a"]);
  await controller.rename("b", "better");
  refuse(new ApiError(409));
  await pinning;
  assert.deepEqual(ids(), ["a", "b"]);
  assert.equal(list.get("b")?.title, "better");
});

test("a pin is sent with its value", async () => {
  replies = [summary("b", 1, { pinned_at: 7 }), summary("b", 1)];
  await controller.pin("b", true);
  assert.equal(list.get("b")?.pinned_at, 7);
  await controller.pin("b", false);
  assert.deepEqual(requests, [
    ["b", { pinned: true }],
    ["b", { pinned: false }],
  ]);
});

test("an empty or unchanged title sends no request", async () => {
  await controller.rename("a", "");
  await controller.rename("a", "about a");
  assert.deepEqual(requests, []);
});

test("a deletion shows at once, and can be undone", async () => {
  replies = [summary("a", 2), summary("a", 2)];
  const removed = controller.remove("a");
  assert.deepEqual(ids(), ["b"]);
  assert.ok(await removed);
  assert.ok(await controller.restore(summary("a", 2)));
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(requests, [
    ["a", { deleted: true }],
    ["a", { deleted: false }],
  ]);
});

test("a conversation that could not be deleted is back in the list", async () => {
  replies = [new ApiError(0)];
  assert.ok(!(await controller.remove("a")));
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(failed, [0]);
});

test("a search starts after a pause in typing, and only the last one counts", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const answerFirst = hold({ conversations: [summary("b")], more: null });
  for (const words of ["r", "ri", "riv"]) pages.search(words);
  mock.timers.tick(1000);
  pages.search("river");
  mock.timers.tick(1000);
  mock.timers.reset();
  await new Promise((resolve) => setImmediate(resolve));
  answerFirst({ conversations: [summary("a")], more: null });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(requests, [[{ search: "riv" }], [{ search: "river" }]]);
  assert.deepEqual(ids(), ["b"]);
});

test("the next page is fetched once, from its cursor, until there is none", async () => {
  replies = [{ conversations: [summary("c", 0)], more: null }];
  await Promise.all([pages.loadMore(), pages.loadMore()]);
  await pages.loadMore();
  assert.deepEqual(requests, [[{ search: "", before: "cursor" }]]);
  assert.deepEqual(ids(), ["a", "b", "c"]);
});

test("while the server is unavailable the list stays, without an error", async () => {
  replies = [new ApiError(0), new ApiError(503)];
  await pages.reload();
  await controller.markRead("a");
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(failed, []);
});

test("a change event moves, marks or removes its conversation", () => {
  controller.applyChange({ ...summary("b", 3, { unread: true }), deleted: false });
  assert.deepEqual(ids(), ["b", "a"]);
  assert.ok(list.get("b")?.unread);
  controller.applyChange({ ...summary("b", 3), deleted: true });
  assert.deepEqual(ids(), ["a"]);
});

test("a page does not revert a change that arrived during its fetch", async () => {
  const old = { conversations: [summary("a", 2, { running: true }), summary("b", 1)], more: null };
  for (const ask of [() => pages.reload(), () => pages.loadMore()]) {
    const answer = hold();
    const asking = ask();
    controller.applyChange({ ...summary("a", 3, { unread: true }), deleted: false });
    answer(old);
    await asking;
    assert.deepEqual(list.get("a"), summary("a", 3, { unread: true }));
    list.more = "cursor";
  }
});

test("the reply to a request does not revert a later change", async () => {
  const answer = hold();
  const renamed = controller.rename("a", "better");
  controller.applyChange({ ...summary("a", 3, { title: "better", unread: true }), deleted: false });
  answer(summary("a", 2, { title: "better" }));
  await renamed;
  assert.deepEqual(list.get("a"), summary("a", 3, { title: "better", unread: true }));
});
