import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { OpenConversations } from "../../../chat/static/chat/conversation/open_conversations.js";
import { ApiError } from "../../../chat/static/chat/server/api_client.js";
import { Drafts } from "../../../chat/static/chat/storage/drafts.js";
import { Outbox } from "../../../chat/static/chat/storage/outbox.js";
import { Queue } from "../../../chat/static/chat/storage/queue.js";
import { Store } from "../../../chat/static/chat/storage/store.js";
import { Memory } from "../memory.mjs";
import { row, summary } from "../rows.mjs";

let memory = new Memory();
let online = true;
/** @type {Command[]} */
let sent;
/** @type {[name: string, about: unknown][]} */
let calls;
/** @type {Record<string, ResponseRow[] | Promise<ResponseRow[]>>} */
let fetched; // by conversation; without one the API returns 404

beforeEach(() => {
  memory = new Memory();
  online = true;
  sent = [];
  calls = [];
  fetched = {};
});

const drafts = () => new Drafts(new Store(memory, "1"));

/** A page opened at a conversation. @param {string | null} id @param {ResponseRow[]} responses */
function page(id = null, responses = []) {
  /** @returns {(about?: unknown) => void} */
  const note = (/** @type {string} */ name) => (about) => void calls.push([name, about]);
  const open = new OpenConversations({
    api: {
      async responses(id, place = {}) {
        const wanted = [id, ...Object.entries(place).flat()].join(" ");
        if (!fetched[wanted]) throw new ApiError(404);
        return { conversation: summary(id), responses: await fetched[wanted] };
      },
    },
    drafts: drafts(),
    outbox: new Outbox(new Store(memory, "1")),
    queue: new Queue(new Store(memory, "1")),
    send(command) {
      if (online) sent.push(command);
      return online;
    },
    on: {
      shown: note("shown"),
      loaded: note("loaded"),
      found: note("found"),
      listed: note("listed"),
      changed: note("changed"),
      path: note("path"),
      refused: note("refused"),
      named: note("named"),
      queued() {},
    },
    now: () => 1000,
  });
  open.start({ id, responses });
  return open;
}

/** @param {CreateCommand} command @param {string} id @param {string} conversation @returns {WholeEvent} */
function created(command, id, conversation) {
  /** @type {ResponseObject} */
  const response = { id, status: "queued", model: "m", conversation: { id: conversation } };
  return { type: "response.created", sequence_number: 0, stream_id: command.stream_id, response };
}

/** @param {string} id @param {number} number @param {string} text @returns {DeltaEvent} */
const delta = (id, number, text) => {
  return {
    type: "response.output_text.delta",
    sequence_number: number,
    item_id: `${id.replace("resp", "msg")}_0`,
    delta: text,
  };
};
/** @param {string} id @param {number} number @returns {WholeEvent} */
const ended = (id, number) => ({
  type: "response.completed",
  sequence_number: number,
  response: { id, status: "completed" },
});
const asked = () => sent.filter((command) => command.type === "response.create");

test("a response continues while another conversation is shown, and its text is there on return", async () => {
  const open = page();
  open.shown.ask("hi", "m");
  open.receive(created(asked()[0], "resp_r1", "c1"));
  const first = open.shown;
  open.open(null);
  calls = [];
  assert.ok(open.receive(delta("resp_r1", 1, "hidden")));
  assert.deepEqual(calls, [], "nothing on the screen is touched");
  fetched.c1 = [row("resp_r1", "in_progress")];
  await open.open("c1");
  assert.equal(open.shown, first);
  assert.equal(open.shown.tree.turns[0].response?.output, "hidden");
});

test("opening a conversation subscribes to its running responses", async () => {
  const open = page();
  fetched.c1 = [row("resp_r1"), row("resp_r2", "in_progress", "resp_r1")];
  await open.open("c1");
  assert.deepEqual(sent, [{ type: "tailrace:subscribe", response_id: "resp_r2" }]);
});

test("a change event that arrives before the response names the new conversation", () => {
  const open = page();
  open.shown.ask("hi", "m");
  const announced = (/** @type {string} */ requestId) => {
    return { conversation: { id: "c1" }, response: { id: "resp_r1", client_request_id: requestId } };
  };
  open.nameWaiting(announced("of another tab"));
  assert.equal(open.waiting.length, 1);
  open.nameWaiting(announced(asked()[0].stream_id));
  assert.deepEqual([open.shown.id, open.waiting], ["c1", []]);
  assert.ok(!open.shown.isMissing(announced(asked()[0].stream_id)), "its own events are on their way");
  open.receive(created(asked()[0], "resp_r1", "c1"));
  assert.deepEqual(
    calls.filter(([name]) => name === "named"),
    [["named", "c1"]],
  );
});

test("a hidden conversation is closed once nothing in it runs", async () => {
  const open = page("c1", [row("resp_r1", "in_progress")]);
  const first = open.shown;
  open.open(null);
  open.receive({
    type: "tailrace:snapshot",
    response_id: "resp_r1",
    sequence_number: 1,
    response: { status: "in_progress" },
  });
  assert.ok(open.receive(ended("resp_r1", 2)));
  assert.ok(!open.receive(ended("resp_r1", 3)), "it is closed");
  fetched.c1 = [row("resp_r1")];
  await open.open("c1");
  assert.notEqual(open.shown, first);
});

test("of two choices the later one is shown, however slowly the first one loads", async () => {
  const open = page();
  /** @type {(rows: ResponseRow[]) => void} */
  let release = () => {};
  fetched.slow = new Promise((resolve) => {
    release = resolve;
  });
  fetched.quick = [];
  const slow = open.open("slow");
  await open.open("quick");
  release([]);
  await slow;
  assert.equal(open.shown.id, "quick");
});

test("a conversation that cannot be fetched leaves the shown one", async () => {
  const open = page("c1", []);
  await assert.rejects(open.open("gone"), ApiError);
  assert.equal(open.shown.id, "c1");
});

test("a message sent offline is shown and sent by the next page, once for all tabs, with its place in the tree", () => {
  online = false;
  page("c1", [row("resp_r1")]).shown.ask("kept", "m");
  const [one, other] = [page("c1", [row("resp_r1")]), page("c1", [row("resp_r1")])];
  assert.deepEqual(
    one.shown.tree.path.map((turn) => turn.input),
    ["hi", "kept"],
  );
  online = true;
  one.resume();
  other.resume();
  const [first, second] = asked();
  assert.equal(first.previous_response_id, "resp_r1");
  assert.equal(first.tailrace.conversation_id, "c1");
  assert.deepEqual(first, second, "the server makes one response of it");
  one.receive(created(first, "resp_r2", "c1"));
  sent = [];
  page("c1", [row("resp_r1"), row("resp_r2", "completed", "resp_r1")]).resume();
  assert.deepEqual(asked(), [], "accepted: it is not sent again");
});

test("a message sent offline in a new conversation is shown on the page of a new conversation", () => {
  online = false;
  page().shown.ask("kept", "m");
  const open = page();
  assert.deepEqual(
    open.shown.tree.path.map((turn) => turn.input),
    ["kept"],
  );
  assert.deepEqual(open.waiting, [open.shown]);
  online = true;
  open.resume();
  open.receive(created(asked()[0], "resp_r1", "c1"));
  assert.deepEqual(calls.at(-2), ["listed", undefined]);
  assert.deepEqual(open.waiting, []);
});

test("a message whose conversation is not open is sent all the same", () => {
  online = false;
  page("c1", [row("resp_r1")]).shown.ask("kept", "m");
  online = true;
  const open = page("c2", []);
  open.resume();
  const [command] = asked().slice(-1);
  assert.equal(command.tailrace.conversation_id, "c1");
  assert.ok(open.receive(created(command, "resp_r2", "c1")));
  assert.deepEqual(sent.at(-1), { type: "tailrace:unsubscribe", response_id: "resp_r2" }, "its conversation is not open");
  sent = [];
  open.resume();
  assert.deepEqual(asked(), []);
});

for (const id of ["c1", "c2"])
  test(`a message refused in a hidden conversation becomes its draft, also if only ${id} is open`, () => {
    online = false;
    page("c1", []).shown.ask("kept", "m");
    online = true;
    const open = page(id, []);
    open.open(null);
    const [{ stream_id }] = asked();
    assert.ok(open.receive({ type: "error", error: { code: "busy" }, stream_id }));
    assert.equal(drafts().of("c1"), "kept");
    assert.equal(drafts().of("c2"), "");
    sent = [];
    open.resume();
    assert.deepEqual(asked(), [], "refused: it is not sent again");
  });

test("a message that is stopped before it was sent is not kept", () => {
  online = false;
  const open = page("c1", []);
  open.shown.ask("no", "m");
  assert.equal(open.shown.stop()?.input, "no");
  online = true;
  page("c1", []).resume();
  assert.deepEqual(asked(), []);
});

test("a response created elsewhere is fetched and subscribed to", async () => {
  const open = page("c1", [row("resp_r1")]);
  fetched.c1 = [row("resp_r1"), row("resp_r2", "queued", "resp_r1")];
  assert.ok(open.shown.isMissing({ conversation: { id: "c1" }, response: { id: "resp_r2" } }));
  await open.refresh();
  assert.deepEqual(
    open.shown.tree.path.map((turn) => turn.response?.id),
    ["resp_r1", "resp_r2"],
  );
  assert.deepEqual(sent.at(-1), { type: "tailrace:subscribe", response_id: "resp_r2" });
  assert.ok(!open.shown.isMissing({ conversation: { id: "c1" }, response: { id: "resp_r2" } }), "now it is known");
  assert.ok(!open.shown.isMissing({ conversation: { id: "c3" }, response: { id: "resp_r9" } }), "it is not on the screen");
  assert.ok(!open.shown.isMissing({ conversation: { id: "c1" }, response: null }), "it was only renamed");
  fetched = {};
  await open.refresh();
  assert.equal(open.shown.tree.path.length, 2, "while the server is unavailable everything stays");
});

test("an error about no open conversation is not taken", () => {
  const open = page("c1", []);
  assert.ok(!open.receive({ type: "error", error: { code: "bad_frame" } }));
  assert.ok(!open.receive({ type: "error", error: { code: "busy" }, stream_id: "other" }));
});

test("earlier turns are loaded until there are none", async () => {
  const open = page("c1", [row("resp_r3", "completed", "resp_r2")]);
  fetched["c1 before resp_r3"] = [row("resp_r2", "completed", "resp_r1")];
  fetched["c1 before resp_r2"] = [row("resp_r1")];
  assert.equal(await open.loadEarlier(), true);
  assert.equal(await open.loadEarlier(), true);
  assert.deepEqual(
    open.shown.tree.path.map((turn) => turn.response?.id),
    ["resp_r1", "resp_r2", "resp_r3"],
  );
  assert.equal(await open.loadEarlier(), false);
});

test("while the server is unavailable, earlier turns stay unloaded", async () => {
  const open = page("c1", [row("resp_r3", "completed", "resp_r2")]);
  assert.equal(await open.loadEarlier(), false);
  assert.equal(open.shown.tree.top, "resp_r3");
});

test("the turns below a chosen version are loaded to the end", async () => {
  const open = page("c1", [row("resp_r1", "completed", null, { continues: true })]);
  fetched["c1 after resp_r1"] = [row("resp_r2", "completed", "resp_r1", { continues: true })];
  fetched["c1 after resp_r2"] = [row("resp_r3", "completed", "resp_r2")];
  await open.loadLater();
  assert.deepEqual(
    open.shown.tree.path.map((turn) => turn.response?.id),
    ["resp_r1", "resp_r2", "resp_r3"],
  );
});

/** @param {OpenConversations} open */
const shownIds = (open) => open.shown.tree.path.map((turn) => turn.response?.id);

test("a found turn of an open conversation is shown, in whichever version, with the turns above it", async () => {
  const open = page("c1", [row("resp_r3", "completed", "resp_r2")]);
  fetched["c1 before resp_r3"] = [row("resp_r1"), row("resp_r2", "completed", "resp_r1")];
  fetched.c1 = [row("resp_r3", "completed", "resp_r2")];
  await open.open("c1", "resp_r1");
  assert.deepEqual(shownIds(open), ["resp_r1", "resp_r2", "resp_r3"]);
  fetched["c1 at resp_q2"] = [row("resp_r1"), row("resp_q2", "completed", "resp_r1")];
  await open.open("c1", "resp_q2");
  assert.deepEqual(shownIds(open), ["resp_r1", "resp_q2"]);
});

test("a found turn of another conversation comes with those around it, then all below it", async () => {
  const open = page(null, []);
  fetched["c2 at resp_r5"] = [row("resp_r5", "completed", "resp_r4", { continues: true })];
  fetched["c2 after resp_r5"] = [row("resp_r6", "completed", "resp_r5")];
  await open.open("c2", "resp_r5");
  assert.deepEqual(shownIds(open), ["resp_r5", "resp_r6"]);
  assert.equal(open.shown.tree.top, "resp_r5");
});
