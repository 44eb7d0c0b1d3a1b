import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { OpenConversations } from "../../../chat/static/chat/conversation/open_conversations.js";
import { Drafts } from "../../../chat/static/chat/storage/drafts.js";
import { Outbox } from "../../../chat/static/chat/storage/outbox.js";
import { Queue } from "../../../chat/static/chat/storage/queue.js";
import { Store } from "../../../chat/static/chat/storage/store.js";
import { Memory } from "../memory.mjs";
import { row, summary } from "../rows.mjs";

let memory = new Memory();
let clock = 0;
/** @type {CreateCommand[]} */
let sent = [];
/** @type {ResponseRow[]} */
let rows = []; // as the server has them

beforeEach(() => {
  memory = new Memory();
  sent = [];
  rows = [row("resp_r1", "in_progress")];
});

/** A tab that shows the conversation. */
function tab() {
  const store = new Store(memory, "1");
  const nothing = () => {};
  const open = new OpenConversations({
    api: { responses: async (id) => ({ conversation: summary(id), responses: rows }) },
    drafts: new Drafts(store),
    outbox: new Outbox(store),
    queue: new Queue(store),
    send(command) {
      if (command.type === "response.create") sent.push(command);
      return true;
    },
    on: {
      shown: nothing,
      loaded: nothing,
      listed: nothing,
      changed: nothing,
      path: nothing,
      refused: nothing,
      named: nothing,
      queued: nothing,
      found: nothing,
    },
    now: () => clock++,
  });
  open.start({ id: "c1", responses: rows });
  open.resume();
  return open;
}

/** @param {OpenConversations} open @param {string} input */
const queue = (open, input) => open.queued.add(open.shown, { input, attachments: [] }, "m");

/** @param {OpenConversations} open */
const waiting = (open) => open.queued.of(open.shown).map(({ input }) => input);

/** @param {OpenConversations} open @param {string} id @param {Status} status */
function end(open, id, status = "completed") {
  const response = { id, status, output: [] };
  open.receive({ type: "tailrace:snapshot", response_id: id, sequence_number: 7, response });
}

/** @param {OpenConversations} open @param {string} id */
function accept(open, id) {
  const command = sent[sent.length - 1];
  const response = { id, status: /** @type {const} */ ("queued"), conversation: { id: "c1" } };
  open.receive({ type: "response.created", sequence_number: 0, stream_id: command.stream_id, response });
}

/** The server's row of a response that another tab asked. @param {string} id @param {string} previous @param {Status} status */
const stored = (id, previous, status = "in_progress") => rows.push(row(id, status, previous));

const inputs = () => sent.map(({ input }) => input);

test("queued messages are sent in their order, each after the end of the answer before", () => {
  const open = tab();
  assert.ok(queue(open, "one"));
  assert.ok(queue(open, "two"));
  assert.deepEqual(waiting(open), ["one", "two"]);
  assert.deepEqual(inputs(), []);
  end(open, "resp_r1");
  assert.deepEqual(inputs(), ["one"]);
  assert.equal(sent[0].previous_response_id, "resp_r1");
  assert.deepEqual(waiting(open), ["two"]);
  accept(open, "resp_r2");
  end(open, "resp_r2");
  assert.deepEqual(inputs(), ["one", "two"]);
  assert.equal(sent[1].previous_response_id, "resp_r2");
});

test("they survive a reload, which sends what has become due", () => {
  queue(tab(), "one");
  assert.deepEqual(waiting(tab()), ["one"]);
  assert.deepEqual(inputs(), []);
  rows = [row("resp_r1")];
  assert.deepEqual(waiting(tab()), []);
  assert.deepEqual(new Set(inputs()), new Set(["one"]));
  assert.equal(new Set(sent.map(({ stream_id }) => stream_id)).size, 1);
});

for (const status of /** @type {const} */ (["cancelled", "failed"]))
  test(`after an answer that is ${status} the reader decides`, () => {
    const open = tab();
    queue(open, "one");
    end(open, "resp_r1", status);
    assert.deepEqual(inputs(), []);
    assert.ok(open.queued.waitsForReader(open.shown));
    const [{ requestId }] = open.queued.of(open.shown);
    open.queued.send(open.shown, requestId);
    assert.deepEqual(inputs(), ["one"]);
    assert.ok(!open.queued.waitsForReader(open.shown));
  });

test("two tabs make one response of it, and neither sends the next one early", async () => {
  const [one, other] = [tab(), tab()];
  queue(one, "one");
  queue(one, "two");
  end(one, "resp_r1");
  accept(one, "resp_r2");
  end(other, "resp_r1"); // later: the first message has left the queue
  assert.deepEqual(inputs(), ["one"]);
  stored("resp_r2", "resp_r1");
  await other.refresh();
  end(other, "resp_r2");
  end(one, "resp_r2");
  assert.deepEqual(inputs(), ["one", "two"]);
});

test("tabs that send at the same moment use one request id", () => {
  const [one, other] = [tab(), tab()];
  queue(one, "one");
  const [{ requestId }] = one.queued.of(one.shown);
  end(one, "resp_r1");
  memory.setItem(
    `tailrace:1:queued:${requestId}`,
    JSON.stringify({
      ...{ requestId, conversationId: "c1" },
      after: "resp_r1",
      held: false,
      input: "one",
      model: "m",
      at: 0,
    }),
  );
  end(other, "resp_r1");
  assert.deepEqual(new Set(sent.map((command) => command.tailrace.client_request_id)), new Set([requestId]));
});

test("a message that is edited is not sent before that is done", () => {
  const open = tab();
  queue(open, "one");
  const [{ requestId }] = open.queued.of(open.shown);
  open.queued.change(open.shown, requestId, { held: true });
  end(open, "resp_r1");
  assert.deepEqual(inputs(), []);
  open.queued.change(open.shown, requestId, { held: false, input: "other" });
  assert.deepEqual(inputs(), ["other"]);
});

test("a cancelled message leaves its place to the next one", () => {
  const open = tab();
  queue(open, "one");
  queue(open, "two");
  const [{ requestId }] = open.queued.of(open.shown);
  open.queued.cancel(open.shown, requestId);
  end(open, "resp_r1");
  assert.deepEqual(inputs(), ["two"]);
});

test("a conversation that the server has not created takes no queued message", () => {
  rows = [];
  const open = tab();
  open.open(null);
  open.shown.ask("first", "m");
  assert.ok(!queue(open, "second"));
});
