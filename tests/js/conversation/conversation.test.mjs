import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Conversation } from "../../../chat/static/chat/conversation/conversation.js";
import { row } from "../rows.mjs";

/** @type {Command[]} */
let sent;
/** @type {[name: string, about: unknown][]} */
let changes;
let open = true;
let now = 0;

/** @param {ResponseRow[]} rows @param {string | null} id */
function conversation(rows = [], id = null) {
  /** @returns {(about?: unknown) => void} */
  const note = (/** @type {string} */ name) => (about) => void changes.push([name, about]);
  const on = {
    changed: note("changed"),
    path: note("path"),
    named: note("named"),
    refused: note("refused"),
    accepted() {},
  };
  const outbox = { keep() {}, drop() {} };
  const send = (/** @type {Command} */ command) => {
    if (open) sent.push(command);
    return open;
  };
  return new Conversation({ id, responses: rows }, { send, outbox, on, now: () => now });
}

const asked = () => sent.filter((command) => command.type === "response.create");

/** @param {Conversation} talk @param {CreateCommand} command @param {string} id */
function accept(talk, command, id, number = 0) {
  talk.receive({
    type: "response.created",
    sequence_number: number,
    stream_id: command.stream_id,
    response: { id, status: "queued", model: "m", conversation: { id: "c1" } },
  });
}

/** @param {string} id @param {number} number @returns {SnapshotEvent} */
function snapshot(id, number) {
  return { type: "tailrace:snapshot", response_id: id, sequence_number: number, response: { status: "in_progress" } };
}

beforeEach(() => {
  sent = [];
  changes = [];
  open = true;
  now = 1000;
});

test("an ask carries its request id, and its response is routed to it", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  const [command] = asked();
  assert.equal(command.type, "response.create");
  assert.equal(command.stream_id, command.tailrace.client_request_id);
  assert.ok(!("previous_response_id" in command));
  accept(talk, command, "resp_r1");
  talk.receive({ type: "response.output_text.delta", sequence_number: 1, item_id: "msg_r1_0", delta: "yes" });
  assert.equal(talk.tree.turns[0].response?.output, "yes");
  assert.deepEqual(
    changes.find(([name]) => name === "named"),
    ["named", "c1"],
  );
});

test("an ask with files carries items, and so does its retry", () => {
  const picture = { id: "file-1", name: "depths.png", image: true };
  const paper = { id: "file-2", name: "paper.pdf", image: false };
  const files = [
    { type: "input_image", file_id: "file-1" },
    { type: "input_file", file_id: "file-2", filename: "paper.pdf" },
  ];
  const talk = conversation();
  talk.ask("hi", "m", { attachments: [picture, paper] });
  const text = { type: "input_text", text: "hi" };
  assert.deepEqual(asked()[0].input, [{ type: "message", role: "user", content: [text, ...files] }]);
  talk.receive({ type: "error", error: { code: "busy" }, stream_id: asked()[0].stream_id });
  talk.retry(talk.tree.turns[0], "m");
  assert.deepEqual(asked()[1], asked()[0]);
  const other = conversation();
  other.ask(" ", "m", { attachments: [paper] });
  assert.deepEqual(asked()[2].input, [{ type: "message", role: "user", content: [files[1]] }]);
  assert.equal(other.tree.turns[0].title, "paper.pdf");
});

test("versions with other files ask something else", () => {
  const picture = { id: "file-1", name: "depths.png", image: true };
  const rows = [row("resp_r1"), row("resp_r2", "completed", null, { attachments: [picture] }), row("resp_r3")];
  const [one, two, three] = conversation(rows).tree.turns;
  assert.ok(one.asksAs(three));
  assert.ok(!one.asksAs(two));
});

test("the next ask continues the last response, whatever its status", () => {
  const talk = conversation([row("resp_r1", "completed"), row("resp_r2", "failed", "resp_r1")], "c1");
  talk.ask("more", "m");
  assert.equal(asked()[0].previous_response_id, "resp_r2");
  assert.equal(asked()[0].tailrace.conversation_id, "c1");
});

test("an item event without item_id is routed by the id of the item", () => {
  const talk = conversation([row("resp_r1", "queued")]);
  talk.receive(snapshot("resp_r1", 2));
  talk.receive({ type: "response.output_item.added", sequence_number: 3, item: { id: "msg_r1_0", type: "message" } });
  assert.equal(talk.tree.turns[0].response?.last, 3);
});

test("an input that was not acknowledged is sent again with the same request id", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  talk.resume();
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[0], sent[1]);
  accept(talk, asked()[1], "resp_r1");
  accept(talk, asked()[1], "resp_r1");
  assert.equal(talk.tree.turns.length, 1);
});

test("an input written without a connection is sent when there is one", () => {
  open = false;
  const talk = conversation();
  talk.ask("hi", "m");
  assert.equal(sent.length, 0);
  open = true;
  talk.resume();
  assert.equal(asked()[0].input, "hi");
});

test("a reconnect subscribes to running responses from their cursors, not to ended ones", () => {
  const talk = conversation([row("resp_r1", "completed"), row("resp_r2", "in_progress", "resp_r1")], "c1");
  talk.resume();
  assert.deepEqual(sent, [{ type: "tailrace:subscribe", response_id: "resp_r2" }]);
  talk.receive(snapshot("resp_r2", 6));
  talk.resume();
  assert.deepEqual(sent[1], { type: "tailrace:subscribe", response_id: "resp_r2", starting_after: 6 });
});

test("a gap subscribes once", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  accept(talk, asked()[0], "resp_r1");
  for (const number of [2, 3, 4]) {
    talk.receive({ type: "response.output_text.delta", sequence_number: number, item_id: "msg_r1_0", delta: "x" });
  }
  assert.deepEqual(sent.slice(1), [{ type: "tailrace:subscribe", response_id: "resp_r1", starting_after: 0 }]);
});

test("stop shows at once and is sent again after a reconnect", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  accept(talk, asked()[0], "resp_r1");
  open = false;
  talk.stop();
  assert.ok(talk.tree.turns[0].stopping);
  open = true;
  talk.resume();
  assert.deepEqual(sent.at(-1), { type: "tailrace:cancel", response_id: "resp_r1" });
  talk.receive({ type: "response.incomplete", sequence_number: 1, response: { id: "resp_r1", status: "cancelled" } });
  assert.equal(talk.tree.running, null);
});

test("stop before the response exists cancels it once it does", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  talk.stop();
  assert.equal(sent.length, 1);
  accept(talk, asked()[0], "resp_r1");
  assert.deepEqual(sent.at(-1), { type: "tailrace:cancel", response_id: "resp_r1" });
});

test("stop returns an input that was never sent", () => {
  open = false;
  const talk = conversation();
  talk.ask("hi", "m");
  assert.equal(talk.stop()?.input, "hi");
  assert.equal(talk.tree.turns.length, 0);
});

test("an error about an ask refuses that turn, another error is not for this conversation", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  assert.ok(talk.receive({ type: "error", error: { code: "busy", message: "Busy." }, stream_id: asked()[0].stream_id }));
  assert.equal(talk.tree.turns[0].refusal?.code, "busy");
  assert.equal(talk.tree.running, null);
  assert.ok(!talk.receive({ type: "error", error: { code: "response_not_found", message: "None." } }));
  assert.ok(
    !talk.receive({ type: "response.created", sequence_number: 0, stream_id: "other", response: { id: "resp_r9" } }),
  );
});

test("an ask beyond a limit is sent again in time, and Stop gives its text back", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  const [{ stream_id }] = asked();
  const error = { code: "too_many_waiting", message: "Too many." };
  assert.ok(talk.receive({ type: "error", error, retry_after: 5, stream_id }));
  assert.equal(talk.tree.turns[0].refusal, null);
  now += 4999;
  talk.tick();
  assert.equal(asked().length, 1);
  now += 1;
  talk.tick();
  talk.tick();
  assert.equal(asked().length, 2);
  assert.equal(asked()[1].stream_id, stream_id, "it is the same request");
  talk.receive({ type: "error", error, retry_after: 5, stream_id });
  assert.equal(talk.stop()?.input, "hi");
  now += 5000;
  talk.tick();
  assert.equal(asked().length, 2);
});

test("a retry of a failure is its sibling, a retry of a refusal takes its place", () => {
  const talk = conversation([row("resp_r1", "completed"), row("resp_r2", "failed", "resp_r1")], "c1");
  talk.retry(talk.tree.turns[1], "m");
  assert.equal(asked()[0].tailrace.regenerate_of, "resp_r2");
  talk.receive({ type: "error", error: { code: "busy", message: "Busy." }, stream_id: asked()[0].stream_id });
  talk.retry(talk.tree.turns[2], "m");
  assert.equal(talk.tree.turns.length, 3);
  assert.equal(asked()[1].tailrace.regenerate_of, "resp_r2");
  assert.equal(asked()[1].stream_id, asked()[0].stream_id, "if it was accepted after all, it is that response");
});

/** @param {Turn[]} turns */
const ids = (turns) => turns.map((turn) => turn.response?.id ?? null);

// r1 ─ r2 ─ r3
//    └ r4 ─ r5
const TREE = [
  row("resp_r1"),
  ...["r2 r1", "r3 r2", "r4 r1", "r5 r4"].map((pair) =>
    row(`resp_${pair.slice(0, 2)}`, "completed", `resp_${pair.slice(3)}`),
  ),
];

test("the newest branch is shown, until another is chosen", () => {
  const talk = conversation(TREE, "c1");
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", "resp_r4", "resp_r5"]);
  const [, second, , fourth] = talk.tree.turns;
  assert.deepEqual(ids(talk.tree.siblings(fourth)), ["resp_r2", "resp_r4"]);
  talk.tree.choose(second);
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", "resp_r2", "resp_r3"]);
  assert.deepEqual(changes, [["path", undefined]]);
  talk.ask("more", "m");
  assert.equal(asked()[0].previous_response_id, "resp_r3");
});

test("another answer to the same input is a sibling, and is shown", () => {
  const talk = conversation(TREE, "c1");
  talk.retry(talk.tree.path[1], "m2");
  assert.deepEqual(asked()[0].tailrace.regenerate_of, "resp_r4");
  assert.ok(!("input" in asked()[0]) && !("previous_response_id" in asked()[0]), "the server has them");
  assert.equal(asked()[0].model, "m2");
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", null]);
  accept(talk, asked()[0], "resp_r6");
  assert.deepEqual(ids(talk.tree.siblings(talk.tree.path[1])), ["resp_r2", "resp_r4", "resp_r6"]);
});

test("an edited input is a sibling of the turn it was, also at the root", () => {
  const talk = conversation(TREE, "c1");
  talk.ask("other words", "m", { previousId: talk.tree.path[1].previousId });
  assert.equal(asked()[0].previous_response_id, "resp_r1");
  assert.equal(asked()[0].input, "other words");
  talk.ask("from the start", "m", { previousId: talk.tree.path[0].previousId });
  assert.ok(!("previous_response_id" in asked()[1]));
  assert.deepEqual(
    talk.tree.path.map((turn) => turn.input),
    ["from the start"],
  );
  assert.equal(talk.tree.siblings(talk.tree.path[0]).length, 2);
});

test("a new sibling is shown although an older one was chosen before", () => {
  const talk = conversation(TREE, "c1");
  talk.tree.choose(talk.tree.turns[1]);
  talk.ask("again", "m", { previousId: talk.tree.path[1].previousId });
  assert.equal(talk.tree.path[1].input, "again");
});

test("earlier turns are put above the path, and a chosen version stays", () => {
  const talk = conversation(TREE.slice(1), "c1"); // without r1
  assert.equal(talk.tree.top, "resp_r4");
  talk.tree.choose(talk.tree.turns[0]);
  assert.deepEqual(ids(talk.tree.path), ["resp_r2", "resp_r3"]);
  assert.equal(talk.tree.top, "resp_r2");
  talk.merge([row("resp_r1")]);
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", "resp_r2", "resp_r3"]);
  assert.equal(talk.tree.top, null);
  assert.deepEqual(ids(talk.tree.siblings(talk.tree.path[1])), ["resp_r2", "resp_r4"]);
});

test("a version whose turns are not loaded has a bottom until they are", () => {
  const talk = conversation(
    [row("resp_r1"), row("resp_r2", "completed", "resp_r1", { continues: true }), row("resp_r4", "completed", "resp_r1")],
    "c1",
  );
  assert.equal(talk.tree.bottom, null);
  talk.tree.choose(talk.tree.turns[1]);
  assert.equal(talk.tree.bottom, "resp_r2");
  talk.merge([row("resp_r3", "completed", "resp_r2")]);
  assert.equal(talk.tree.bottom, null);
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", "resp_r2", "resp_r3"]);
});

test("a running response on another branch is subscribed to, but does not block this one", () => {
  const talk = conversation([...TREE.slice(0, 4), row("resp_r5", "in_progress", "resp_r4")], "c1");
  assert.equal(talk.tree.running?.response?.id, "resp_r5");
  talk.tree.choose(talk.tree.turns[1]);
  assert.equal(talk.tree.running, null);
  talk.resume();
  assert.deepEqual(sent, [{ type: "tailrace:subscribe", response_id: "resp_r5" }]);
});

test("a response from another device is added, shown and subscribed to", () => {
  const talk = conversation(TREE, "c1");
  talk.merge([...TREE, row("resp_r6", "in_progress", "resp_r5")]);
  assert.deepEqual(ids(talk.tree.path), ["resp_r1", "resp_r4", "resp_r5", "resp_r6"]);
  assert.deepEqual(sent, [{ type: "tailrace:subscribe", response_id: "resp_r6" }]);
  assert.deepEqual(
    changes.map(([name]) => name),
    ["path"],
  );
  talk.merge([...TREE, row("resp_r6", "in_progress", "resp_r5")]);
  assert.equal(talk.tree.turns.length, 6);
});

test("an input whose response came as a row is not shown twice", () => {
  const talk = conversation([], "c1");
  talk.ask("hi", "m");
  talk.merge([row("resp_r1", "in_progress")]);
  accept(talk, asked()[0], "resp_r1");
  assert.deepEqual(ids(talk.tree.turns), ["resp_r1"]);
  assert.deepEqual(ids(talk.tree.path), ["resp_r1"]);
});

test("a stop of an input whose response came as a row stops that response", () => {
  const talk = conversation([], "c1");
  talk.ask("hi", "m");
  talk.stop();
  talk.merge([row("resp_r1", "in_progress")]);
  accept(talk, asked()[0], "resp_r1");
  assert.deepEqual(
    sent.filter(({ type }) => type === "tailrace:cancel"),
    [{ type: "tailrace:cancel", response_id: "resp_r1" }],
  );
  assert.equal(talk.tree.turns.length, 1);
});

test("an input that was kept is asked under its own request, once", () => {
  const talk = conversation([row("resp_r1", "completed")], "c1");
  talk.ask("hi", "m", { requestId: "kept", previousId: "resp_r1" });
  talk.ask("hi", "m", { requestId: "kept", previousId: "resp_r1" });
  assert.equal(sent.length, 1);
  assert.equal(asked()[0].tailrace.client_request_id, "kept");
  assert.deepEqual(
    talk.tree.unsent.map((turn) => turn.requestId),
    ["kept"],
  );
  accept(talk, asked()[0], "resp_r2");
  assert.deepEqual(talk.tree.unsent, []);
});

test("a turn without events is silent, unless the socket is new", () => {
  const talk = conversation();
  talk.ask("hi", "m");
  accept(talk, asked()[0], "resp_r1");
  assert.ok(!talk.tree.turns[0].isSilent(15_999));
  assert.ok(talk.tree.turns[0].isSilent(16_000));
  assert.ok(!talk.tree.turns[0].isSilent(16_000, 10_000));
  now = 16_000;
  talk.receive({ type: "tailrace:heartbeat", response_id: "resp_r1", latest: 0 });
  assert.ok(!talk.tree.turns[0].isSilent(16_000));
});

test("an input that waited for the connection is not silent for that long", () => {
  open = false;
  const talk = conversation();
  talk.ask("hi", "m");
  open = true;
  now = 60_000;
  talk.resume();
  assert.ok(!talk.tree.turns[0].isSilent(61_000));
});
