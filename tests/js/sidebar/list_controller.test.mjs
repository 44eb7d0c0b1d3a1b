import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ArchiveError } from "../../../chat/static/chat/server/api_client.js";
import { ConversationList } from "../../../chat/static/chat/sidebar/conversation_list.js";
import { Library } from "../../../chat/static/chat/sidebar/list_controller.js";
import { summary } from "../summaries.mjs";

let list;
let asked;
let replies; // what the archive resolves to, in order; an Error rejects
let failed;
let library;

beforeEach(() => {
  list = new ConversationList({ conversations: [summary("a", 2), summary("b", 1)], more: "cursor" });
  asked = [];
  replies = [];
  failed = [];
  const reply = async (...about) => {
    asked.push(about);
    const next = await replies.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const archive = { list: reply, change: reply };
  library = new Library(list, { archive, on: { changed: () => {}, failed: (error) => failed.push(error.status) } });
});

const ids = () => list.rows.map((row) => row.id);

test("a new name shows at once, and is taken back if the server does not want it", async () => {
  replies = [new ArchiveError(400)];
  const renamed = library.rename("a", "better");
  assert.equal(list.get("a").title, "better");
  await renamed;
  assert.equal(list.get("a").title, "about a");
  assert.deepEqual(failed, [400]);
});

test("what was deleted elsewhere meanwhile is not put back by a change that is refused", async () => {
  for (const change of [() => library.rename("a", "better"), () => library.remove("a")]) {
    list.put(summary("a", 2));
    let refuse;
    replies = [new Promise((resolve) => (refuse = resolve))];
    const changing = change();
    library.hint({ ...summary("a", 3), deleted: true });
    refuse(new ArchiveError(404));
    assert.ok(!(await changing));
    assert.deepEqual(ids(), ["b"]);
  }
});

test("what was deleted here meanwhile is not put back by a name that is refused", async () => {
  let refuse;
  replies = [new Promise((resolve) => (refuse = resolve)), summary("a", 2)];
  const renaming = library.rename("a", "better");
  await library.remove("a");
  refuse(new ArchiveError(0));
  await renaming;
  assert.deepEqual(ids(), ["b"]);
});

test("a name that is refused takes nothing else back", async () => {
  list.put(summary("a", 2, { unread: true }));
  let refuse;
  replies = [new Promise((resolve) => (refuse = resolve)), summary("a", 2)];
  const renaming = library.rename("a", "better");
  await library.read("a");
  refuse(new ArchiveError(400));
  await renaming;
  assert.deepEqual(list.get("a"), summary("a", 2));
});

test("what the server has no more is gone, however the change was meant", async () => {
  const changes = [() => library.rename("a", "better"), () => library.remove("a"), () => library.restore(summary("a", 2))];
  for (const change of changes) {
    list.put(summary("a", 2));
    replies = [new ArchiveError(404)];
    assert.ok(!(await change()));
    assert.deepEqual(ids(), ["b"]);
  }
});

test("a name that is refused does not take back a later one", async () => {
  let refuse;
  replies = [new Promise((resolve) => (refuse = resolve)), { ...summary("a", 2), title: "best" }];
  const renaming = library.rename("a", "better");
  await library.rename("a", "best");
  refuse(new ArchiveError(0));
  await renaming;
  assert.equal(list.get("a").title, "best");
});

test("a name that is none, or the old one, asks nobody", async () => {
  await library.rename("a", "");
  await library.rename("a", "about a");
  assert.deepEqual(asked, []);
});

test("a deletion shows at once, and can be taken back", async () => {
  replies = [summary("a", 2), summary("a", 2)];
  const removed = library.remove("a");
  assert.deepEqual(ids(), ["b"]);
  assert.ok(await removed);
  assert.ok(await library.restore(summary("a", 2)));
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(asked, [["a", { deleted: true }], ["a", { deleted: false }]]);
});

test("what could not be deleted is back in the list", async () => {
  replies = [new ArchiveError(0)];
  assert.ok(!(await library.remove("a")));
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(failed, [0]);
});

test("the server is searched when the typing rests, and only the last question counts", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let answerFirst;
  replies = [new Promise((resolve) => (answerFirst = resolve)), { conversations: [summary("b")], more: null }];
  for (const words of ["r", "ri", "riv"]) library.search(words);
  mock.timers.tick(1000);
  library.search("river");
  mock.timers.tick(1000);
  mock.timers.reset();
  await new Promise((resolve) => setImmediate(resolve));
  answerFirst({ conversations: [summary("a")], more: null });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(asked, [[{ search: "riv" }], [{ search: "river" }]]);
  assert.deepEqual(ids(), ["b"]);
});

test("the next page is asked for once, from its cursor, until there is none", async () => {
  replies = [{ conversations: [summary("c", 0)], more: null }];
  await Promise.all([library.loadMore(), library.loadMore()]);
  await library.loadMore();
  assert.deepEqual(asked, [[{ search: "", before: "cursor" }]]);
  assert.deepEqual(ids(), ["a", "b", "c"]);
});

test("while the server is away the list stays, and nobody is bothered", async () => {
  replies = [new ArchiveError(0), new ArchiveError(503)];
  await library.reload();
  await library.read("a");
  assert.deepEqual(ids(), ["a", "b"]);
  assert.deepEqual(failed, []);
});

test("a hint moves, marks or removes its conversation", () => {
  library.hint({ ...summary("b", 3, { unread: true }), deleted: false });
  assert.deepEqual(ids(), ["b", "a"]);
  assert.ok(list.get("b").unread);
  library.hint({ ...summary("b", 3), deleted: true });
  assert.deepEqual(ids(), ["a"]);
});

test("what the server told while a page was on its way is not taken back by it", async () => {
  let answer;
  const old = { conversations: [summary("a", 2, { running: true }), summary("b", 1)], more: null };
  for (const ask of [() => library.reload(), () => library.loadMore()]) {
    replies = [new Promise((resolve) => (answer = resolve))];
    const asking = ask();
    library.hint({ ...summary("a", 3, { unread: true }), deleted: false });
    answer(old);
    await asking;
    assert.deepEqual(list.get("a"), summary("a", 3, { unread: true }));
    list.more = "cursor";
  }
});

test("the reply to a change is older than what was told since", async () => {
  let answer;
  replies = [new Promise((resolve) => (answer = resolve))];
  const renamed = library.rename("a", "better");
  library.hint({ ...summary("a", 3, { title: "better", unread: true }), deleted: false });
  answer(summary("a", 2, { title: "better" }));
  await renamed;
  assert.deepEqual(list.get("a"), summary("a", 3, { title: "better", unread: true }));
});
