import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../../../chat/static/chat/storage/drafts.js";
import { Outbox } from "../../../chat/static/chat/storage/outbox.js";
import { Store } from "../../../chat/static/chat/storage/store.js";
import { Memory } from "../memory.mjs";

/** @param {string} requestId */
const turn = (requestId) => ({ requestId, previousId: "r0", regenerateOf: null, input: "hi", model: "m" });

test("two owners of one browser do not see each other's values, and a sign-out leaves none", () => {
  const memory = new Memory();
  const [one, other] = [new Store(memory, "1"), new Store(memory, "11")];
  one.set("model", "m");
  assert.equal(other.get("model"), null);
  other.set("model", "n");
  assert.deepEqual(one.names(), ["model"]);
  one.clear();
  assert.deepEqual([one.get("model"), other.get("model")], [null, "n"]);
});

test("a visitor's values become those of the guest, who keeps newer ones, also in a full storage", () => {
  const memory = new Memory();
  const [visitor, guest] = [new Store(memory, ""), new Store(memory, "7")];
  visitor.set("outbox:1", "asked");
  visitor.set("draft:new", "older");
  guest.set("draft:new", "newer");
  const room = memory.length;
  const full = Object.assign(memory, {
    /** @param {string} name @param {string} value */
    setItem: (name, value) => {
      if (memory.length >= room) throw new Error("full");
      Memory.prototype.setItem.call(memory, name, value);
    },
  });
  const tab = new Store(full, "");
  tab.adopt("7");
  assert.deepEqual([tab.get("outbox:1"), tab.get("draft:new")], ["asked", "newer"]);
  assert.deepEqual(new Store(full, "").names(), []);
});

test("a guest's texts follow into an account, below what was written there", () => {
  const memory = new Memory();
  const [guest, account, other] = [new Store(memory, "7"), new Store(memory, "8"), new Store(memory, "9")];
  for (const [store, text] of /** @type {[Store, string][]} */ ([
    [guest, "older"],
    [account, "newer"],
    [other, "theirs"],
  ]))
    new Drafts(store).keep(null, text);
  guest.set("outbox:1", "asked");
  const drafts = new Drafts(account);
  drafts.append(account.adopt("8", "7"));
  assert.deepEqual([drafts.of(null), account.get("outbox:1")], ["newer\n\nolder", "asked"]);
  drafts.append(account.adopt("8", "7"));
  assert.equal(drafts.of(null), "newer\n\nolder", "only once");
  assert.deepEqual([guest.names(), new Drafts(other).of(null)], [[], "theirs"]);
  account.forget("9");
  assert.deepEqual(other.names(), []);
});

test("without storage nothing is kept and nothing fails", () => {
  const broken = Object.assign(new Memory(), { setItem: () => assert.fail(), getItem: () => "{" });
  for (const storage of [null, broken]) {
    const store = new Store(storage, "1");
    store.set("model", "m");
    assert.equal(store.get("model"), null);
    assert.deepEqual(store.names(), []);
  }
});

test("each conversation has its draft, also the one that has no id yet", () => {
  const memory = new Memory();
  new Drafts(new Store(memory, "1")).keep("c1", "for one");
  new Drafts(new Store(memory, "1")).keep(null, "for a new one");
  const drafts = new Drafts(new Store(memory, "1"));
  assert.deepEqual([drafts.of("c1"), drafts.of(null), drafts.of("c2")], ["for one", "for a new one", ""]);
  drafts.keep("c1", "");
  assert.equal(memory.length, 1, "an empty draft takes no room");
});

test("a refused input does not overwrite a newer draft", () => {
  const drafts = new Drafts(new Store(new Memory(), "1"));
  drafts.restore("c1", { input: "unsent" });
  assert.equal(drafts.of("c1"), "unsent");
  drafts.restore("c1", { input: "another" });
  assert.equal(drafts.of("c1"), "unsent");
});

test("a refused message keeps its files, unless a draft has some", () => {
  const drafts = new Drafts(new Store(new Memory(), "1"));
  const files = [{ id: "file-1", name: "depths.png", image: true }];
  drafts.restore("c1", { input: "", attachments: files });
  drafts.restore("c1", { input: "another" });
  assert.deepEqual([drafts.of("c1"), drafts.filesOf("c1"), drafts.filesOf("c2")], ["", files, []]);
  drafts.keepFiles("c1", []);
  assert.deepEqual(drafts.filesOf("c1"), []);
});

test("messages are kept for the next page, oldest first, until they are dropped", () => {
  const memory = new Memory();
  const here = new Outbox(new Store(memory, "1"));
  here.keep(turn("late"), "c1", 2);
  here.keep(turn("early"), null, 1);
  assert.ok(here.hasPending);
  const there = new Outbox(new Store(memory, "1"));
  assert.ok(!there.hasPending, "it has not read the store yet");
  assert.deepEqual(there.entries()[0], { ...turn("early"), conversationId: null, at: 1 });
  assert.deepEqual(
    there.entries().map((entry) => entry.requestId),
    ["early", "late"],
  );
  there.drop("early");
  assert.deepEqual(
    here.entries().map((entry) => entry.requestId),
    ["late"],
  );
  here.drop("late");
  assert.ok(!here.hasPending);
});

test("a message of files alone is kept", () => {
  const memory = new Memory();
  const attachments = [{ id: "file-1", name: "depths.png", image: true }];
  new Outbox(new Store(memory, "1")).keep({ ...turn("one"), input: "", attachments }, "c1", 1);
  const [entry] = new Outbox(new Store(memory, "1")).entries();
  assert.deepEqual(entry.attachments, attachments);
});

test("a broken entry of the store is no message", () => {
  const memory = new Memory();
  memory.setItem("tailrace:1:outbox:x", "{not json");
  memory.setItem("tailrace:1:outbox:y", '{"requestId": "y"}');
  assert.deepEqual(new Outbox(new Store(memory, "1")).entries(), []);
});
