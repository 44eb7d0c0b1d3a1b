import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ArchiveError } from "../../../chat/static/chat/server/api_client.js";
import { Desk } from "../../../chat/static/chat/conversation/open_conversations.js";
import { Drafts } from "../../../chat/static/chat/storage/drafts.js";
import { Outbox } from "../../../chat/static/chat/storage/outbox.js";
import { Store } from "../../../chat/static/chat/storage/store.js";
import { Memory } from "../memory.mjs";

let memory;
let online;
let sent;
let told;
let fetched; // conversation id → what the archive resolves to, or rejects with

beforeEach(() => {
  memory = new Memory();
  online = true;
  sent = [];
  told = [];
  fetched = {};
});

const row = (id, status = "completed", previous = null) => {
  return { id, status, previous_response_id: previous, input: "hi", output_text: "", reasoning_text: "" };
};
const drafts = () => new Drafts(new Store(memory, "1"));

/** A page that is opened at a conversation. */
function page(id = null, responses = []) {
  const names = ["shown", "known", "listed", "changed", "path", "refused", "named"];
  const on = Object.fromEntries(names.map((name) => [name, (about) => told.push([name, about])]));
  const desk = new Desk({
    archive: { responses: async (wanted) => fetched[wanted] ?? Promise.reject(new ArchiveError(404)) },
    drafts: drafts(),
    outbox: new Outbox(new Store(memory, "1")),
    send(command) {
      if (online) sent.push(command);
      return online;
    },
    on,
    now: () => 1000,
  });
  desk.begin({ id, responses });
  return desk;
}

function created(command, id, conversation) {
  const response = { id, status: "queued", model: "m", conversation: { id: conversation } };
  return { type: "response.created", sequence_number: 0, stream_id: command.stream_id, response };
}

const delta = (id, number, text) => {
  return { type: "response.output_text.delta", sequence_number: number, item_id: `msg_${id}`, delta: text };
};
const ended = (id, number) => ({ type: "response.completed", sequence_number: number, response: { id, status: "completed" } });
const asked = () => sent.filter(({ type }) => type === "response.create");

test("an answer goes on while another conversation is shown, and is there when the reader is back", async () => {
  const desk = page();
  desk.shown.ask("hi", "m");
  desk.receive(created(sent[0], "r1", "c1"));
  const first = desk.shown;
  desk.openNew();
  told = [];
  assert.ok(desk.receive(delta("r1", 1, "unseen")));
  assert.deepEqual(told, [], "nothing on the screen is touched");
  fetched.c1 = { responses: [row("r1", "in_progress")] };
  await desk.open("c1");
  assert.equal(desk.shown, first);
  assert.equal(desk.shown.turns[0].follow.output, "unseen");
});

test("what runs in a conversation that is opened is followed, though it was begun elsewhere", async () => {
  const desk = page();
  fetched.c1 = { conversation: { id: "c1" }, responses: [row("r1"), row("r2", "in_progress", "r1")] };
  await desk.open("c1");
  assert.deepEqual(sent, [{ type: "tailrace:subscribe", response_id: "r2" }]);
});

test("a hidden conversation is forgotten once nothing in it runs", async () => {
  const desk = page("c1", [row("r1", "in_progress")]);
  const first = desk.shown;
  desk.openNew();
  desk.receive({ type: "tailrace:snapshot", response_id: "r1", sequence_number: 1, response: { status: "in_progress" } });
  assert.ok(desk.receive(ended("r1", 2)));
  assert.ok(!desk.receive(ended("r1", 3)), "nobody is here to take it");
  fetched.c1 = { conversation: {}, responses: [row("r1")] };
  await desk.open("c1");
  assert.notEqual(desk.shown, first);
});

test("of two wishes the later one is shown, however slow the first one loads", async () => {
  const desk = page();
  let release;
  fetched.slow = new Promise((resolve) => (release = resolve));
  fetched.quick = { conversation: {}, responses: [] };
  const slow = desk.open("slow");
  await desk.open("quick");
  release({ conversation: {}, responses: [] });
  await slow;
  assert.equal(desk.shown.id, "quick");
});

test("a conversation that cannot be had leaves what is shown", async () => {
  const desk = page("c1", []);
  await assert.rejects(desk.open("gone"), ArchiveError);
  assert.equal(desk.shown.id, "c1");
});

test("a message sent offline is shown and sent by the next page, once for all tabs, with its place in the tree", () => {
  online = false;
  page("c1", [row("r1")]).shown.ask("kept", "m");
  const [one, other] = [page("c1", [row("r1")]), page("c1", [row("r1")])];
  assert.deepEqual(one.shown.path.map((turn) => turn.input), ["hi", "kept"]);
  online = true;
  one.resume();
  other.resume();
  const [first, second] = asked();
  assert.equal(first.previous_response_id, "r1");
  assert.equal(first.tailrace.conversation_id, "c1");
  assert.deepEqual(first, second, "the server makes one response of it");
  one.receive(created(first, "r2", "c1"));
  sent = [];
  page("c1", [row("r1"), row("r2", "completed", "r1")]).resume();
  assert.deepEqual(asked(), [], "accepted: nobody sends it again");
});

test("a message sent offline in a new conversation is shown on the page of a new conversation", () => {
  online = false;
  page().shown.ask("kept", "m");
  const desk = page();
  assert.deepEqual(desk.shown.path.map((turn) => turn.input), ["kept"]);
  assert.deepEqual(desk.waiting, [desk.shown]);
  online = true;
  desk.resume();
  desk.receive(created(asked()[0], "r1", "c1"));
  assert.deepEqual(told.at(-2), ["listed", undefined]);
  assert.deepEqual(desk.waiting, []);
});

test("a message whose conversation is not open is sent all the same", () => {
  online = false;
  page("c1", [row("r1")]).shown.ask("kept", "m");
  online = true;
  const desk = page("c2", []);
  desk.resume();
  const command = asked().at(-1);
  assert.equal(command.tailrace.conversation_id, "c1");
  assert.ok(desk.receive(created(command, "r2", "c1")));
  assert.deepEqual(sent.at(-1), { type: "tailrace:unsubscribe", response_id: "r2" }, "nobody here reads the answer");
  sent = [];
  desk.resume();
  assert.deepEqual(asked(), []);
});

test("what is refused out of sight waits as a draft", () => {
  online = false;
  page("c1", []).shown.ask("kept", "m");
  online = true;
  const desk = page("c2", []);
  const [{ stream_id }] = asked();
  assert.ok(desk.receive({ type: "error", error: { code: "busy" }, stream_id }));
  assert.equal(drafts().of("c1"), "kept");
  assert.equal(drafts().of("c2"), "");
  sent = [];
  desk.resume();
  assert.deepEqual(asked(), [], "refused: it is not sent again");
});

test("what is stopped before it was sent is not kept", () => {
  online = false;
  const desk = page("c1", []);
  desk.shown.ask("no", "m");
  assert.equal(desk.shown.stop(), "no");
  online = true;
  page("c1", []).resume();
  assert.deepEqual(asked(), []);
});

test("an answer that was asked for elsewhere is fetched and followed", async () => {
  const desk = page("c1", [row("r1")]);
  fetched.c1 = { conversation: {}, responses: [row("r1"), row("r2", "queued", "r1")] };
  assert.ok(desk.misses({ conversation: { id: "c1" }, response: { id: "r2" } }));
  await desk.look();
  assert.deepEqual(desk.shown.path.map((turn) => turn.follow.id), ["r1", "r2"]);
  assert.deepEqual(sent.at(-1), { type: "tailrace:subscribe", response_id: "r2" });
  assert.ok(!desk.misses({ conversation: { id: "c1" }, response: { id: "r2" } }), "now it is known");
  assert.ok(!desk.misses({ conversation: { id: "c3" }, response: { id: "r9" } }), "it is not on the screen");
  assert.ok(!desk.misses({ conversation: { id: "c1" }, response: null }), "it was only renamed");
  fetched = {};
  await desk.look();
  assert.equal(desk.shown.path.length, 2, "while the server is away everything stays");
});

test("an error that belongs to nothing here is handed back", () => {
  const desk = page("c1", []);
  assert.ok(!desk.receive({ type: "error", error: { code: "bad_frame" } }));
  assert.ok(!desk.receive({ type: "error", error: { code: "busy" }, stream_id: "somebody" }));
});
