import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Visibility } from "../../../chat/static/chat/shell/visibility.js";
import { ConversationList } from "../../../chat/static/chat/sidebar/conversation_list.js";
import { summary } from "../rows.mjs";

let hidden = false;
let missing = false; // whether the shown conversation lacks the response of the change
/** @type {string[]} */
let done;
/** @type {Visibility} */
let visibility;

/** @param {string} id @returns {ConversationEvent} */
const change = (id, deleted = false) => {
  return { type: "tailrace:conversation", conversation: { ...summary(id), deleted }, response: null };
};

beforeEach(() => {
  hidden = false;
  missing = false;
  done = [];
  const list = new ConversationList({ conversations: [summary("a", 1, { unread: true }), summary("b")], more: null });
  /** @typedef {{ id?: string, conversation?: { id: string } } | string} About */
  const does =
    (/** @type {string} */ name) =>
    (/** @type {About} */ about = "") => {
      const id = typeof about === "string" ? about : (about.conversation?.id ?? about.id);
      done.push(`${name} ${id}`.trim());
    };
  const openConversations = {
    shown: { id: "a", isMissing: () => missing },
    refresh: does("fetch"),
    nameWaiting: does("name"),
  };
  const listPages = { reload: does("reload") };
  const listController = { markRead: does("read"), applyChange: does("apply") };
  visibility = new Visibility({
    openConversations,
    list,
    listController,
    listPages,
    navigation: { removedElsewhere: does("leave") },
    isHidden: () => hidden,
  });
});

test("a visible page fetches missed changes and marks the shown conversation as read", () => {
  visibility.refresh();
  assert.deepEqual(done, ["reload", "fetch", "read a"]);
});

test("a hidden page fetches nothing and marks nothing as read", () => {
  hidden = missing = true;
  visibility.refresh();
  visibility.markRead();
  visibility.handleChange(change("a"));
  assert.deepEqual(done, ["name a", "apply a"]);
});

test("a change with a missing response fetches it, and a deletion leaves the conversation", () => {
  visibility.handleChange(change("a"));
  missing = true;
  visibility.handleChange(change("a"));
  missing = false;
  visibility.handleChange(change("b", true));
  assert.deepEqual(done, ["name a", "apply a", "name a", "apply a", "fetch", "name b", "apply b", "leave b"]);
});
