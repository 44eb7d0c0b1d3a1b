import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Attention } from "../../../chat/static/chat/shell/visibility.js";
import { ConversationList } from "../../../chat/static/chat/sidebar/conversation_list.js";
import { summary } from "../summaries.mjs";

let hidden;
let misses; // whether the shown conversation lacks what the hint is about
let done;
let attention;

beforeEach(() => {
  hidden = false;
  misses = false;
  done = [];
  const list = new ConversationList({ conversations: [summary("a", 1, { unread: true }), summary("b")], more: null });
  const does = (name) => (about) => done.push(about === undefined ? name : `${name} ${about.id ?? about}`);
  const desk = { shown: { id: "a" }, look: does("fetch"), misses: () => misses };
  const library = { reload: does("reload"), read: does("read"), hint: does("hint") };
  attention = new Attention({ desk, list, library, navigation: { removedElsewhere: does("leave") }, isHidden: () => hidden });
});

test("who looks at the page sees what was missed, and has read what is shown", () => {
  attention.look();
  assert.deepEqual(done, ["reload", "fetch", "read a"]);
});

test("a page that nobody sees fetches nothing, and nothing on it is read", () => {
  hidden = misses = true;
  attention.look();
  attention.attend();
  attention.hear({ conversation: { id: "a" } });
  assert.deepEqual(done, ["hint a"]);
});

test("a hint of an answer that is missing on the screen fetches it, and one of a deletion leaves what is gone", () => {
  attention.hear({ conversation: { id: "a" } });
  misses = true;
  attention.hear({ conversation: { id: "a" } });
  misses = false;
  attention.hear({ conversation: { id: "b", deleted: true } });
  assert.deepEqual(done, ["hint a", "hint a", "fetch", "hint b", "leave b"]);
});
