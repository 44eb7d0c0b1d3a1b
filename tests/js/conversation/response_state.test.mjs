import assert from "node:assert/strict";
import { test } from "node:test";

import { APPLIED, BEHIND, DROPPED, ResponseState } from "../../../chat/static/chat/conversation/response_state.js";
import { seeded } from "../random.mjs";

const ID = "resp_r1";
/** @type {WholeEvent} */
const created = { type: "response.created", sequence_number: 0, response: { id: ID, status: "queued" } };

/** @param {number} number @param {string} text @returns {DeltaEvent} */
function delta(number, text) {
  return { type: "response.output_text.delta", sequence_number: number, item_id: "msg_r1_0", delta: text };
}

/** @param {number} number @param {string} text @param {Status} status @returns {SnapshotEvent} */
function snapshot(number, text, status = "in_progress") {
  const output = [
    { type: "reasoning", content: [{ type: "reasoning_text", text: "why" }] },
    { type: "message", content: [{ type: "output_text", text }] },
  ];
  return { type: "tailrace:snapshot", sequence_number: number, response_id: ID, response: { id: ID, status, output } };
}

/** @param {ResponseEvent[]} events */
function folded(...events) {
  const state = new ResponseState({ id: ID });
  for (const event of events) state.apply(event);
  return state;
}

test("events in order add up to the text", () => {
  const state = folded(created, delta(1, "Hel"), delta(2, "lo"));
  assert.equal(state.output, "Hello");
  assert.equal(state.last, 2);
});

test("an event that was applied is dropped", () => {
  const state = folded(created, delta(1, "a"));
  assert.equal(state.apply(delta(1, "a")), DROPPED);
  assert.equal(state.output, "a");
});

test("a gap is reported as BEHIND and changes nothing", () => {
  const state = folded(created, delta(1, "a"));
  assert.equal(state.apply(delta(3, "c")), BEHIND);
  assert.equal(state.output, "a");
  assert.equal(state.last, 1);
});

test("during a replay, events ahead of it are dropped", () => {
  const state = folded(created);
  assert.equal(state.apply(delta(2, "b")), BEHIND);
  state.subscribed();
  assert.equal(state.apply(delta(3, "c")), DROPPED);
  for (const event of [delta(1, "a"), delta(2, "b"), delta(3, "c")]) assert.equal(state.apply(event), APPLIED);
  assert.equal(state.output, "abc");
  assert.equal(state.apply(delta(5, "e")), BEHIND);
});

test("after an empty replay a gap is reported again", () => {
  const state = folded(created);
  state.subscribed();
  state.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 0 });
  assert.equal(state.apply(delta(2, "b")), BEHIND);
});

test("without a cursor only the beginning or a snapshot is taken", () => {
  const state = folded();
  assert.equal(state.apply(delta(7, "middle")), BEHIND);
  assert.equal(state.apply(snapshot(8, "whole")), APPLIED);
  assert.equal(state.apply(delta(8, "whole")), DROPPED);
  assert.equal(state.apply(delta(9, " text")), APPLIED);
  assert.equal(state.output, "whole text");
  assert.equal(state.reasoning, "why");
});

test("a snapshot replaces the text and begins a new edition", () => {
  const state = folded(created, delta(1, "old"));
  const { edition } = state;
  state.apply(snapshot(5, "new"));
  assert.equal(state.output, "new");
  assert.notEqual(state.edition, edition);
});

test("a snapshot of an ended response ends it", () => {
  assert.ok(folded(snapshot(9, "all", "completed")).ended);
});

test("a restart drops the text, in order like every event of the log", () => {
  const state = folded(created, delta(1, "lost"));
  /** @type {AttemptEvent} */
  const restarted = { type: "tailrace:restarted", response_id: ID, sequence_number: 2, attempt: 2, reason: "worker_lost" };
  assert.equal(state.apply({ ...restarted, sequence_number: 3 }), BEHIND);
  assert.equal(state.output, "lost");
  assert.equal(state.apply(restarted), APPLIED);
  assert.equal(state.output, "");
  state.apply(delta(3, "again"));
  assert.equal(state.output, "again");
});

test("a continued response keeps its text and its cursor", () => {
  const state = folded(created, delta(1, "kept"));
  /** @type {AttemptEvent} */
  const continued = { type: "tailrace:continued", response_id: ID, attempt: 2, sequence_number: 2, reason: "handed_over" };
  assert.equal(state.apply(continued), APPLIED);
  assert.equal(state.interruption, "handed_over");
  state.apply(delta(3, " and gone on"));
  assert.equal(state.output, "kept and gone on");
  assert.equal(state.edition, 0);
  assert.equal(state.interruption, null, "the text flows: nothing is interrupted any more");
});

test("a snapshot that continues the text keeps the edition: the text on screen stays", () => {
  const state = folded(snapshot(3, "some"));
  const { edition, snapshots } = state;
  state.apply(snapshot(8, "some more"));
  assert.equal(state.output, "some more");
  assert.equal(state.edition, edition);
  assert.equal(state.snapshots, snapshots + 1);
});

test("the queue position is known until a worker claims the response", () => {
  const state = folded(created);
  assert.equal(state.apply({ type: "tailrace:queue", response_id: ID, position: 3 }), APPLIED);
  assert.equal(state.queue, 3);
  state.apply({ type: "response.in_progress", sequence_number: 1, response: { id: ID, status: "in_progress" } });
  assert.equal(state.queue, null);
});

test("the model's own count of tokens comes with the end", () => {
  const usage = { input_tokens: 3, output_tokens: 5 };
  /** @type {WholeEvent} */
  const end = { type: "response.completed", sequence_number: 1, response: { status: "completed", usage } };
  assert.deepEqual(folded(created, end).usage, usage);
});

/** @param {number} number @returns {WaitingEvent} */
function waiting(number) {
  return { type: "tailrace:waiting", sequence_number: number, response_id: ID, seconds: 4, until: 104 };
}

test("a wait lasts until the next event, whatever that is", () => {
  /** @type {AttemptEvent} */
  const restarted = { type: "tailrace:restarted", response_id: ID, sequence_number: 2, attempt: 2, reason: "worker_lost" };
  /** @type {WholeEvent} */
  const failed = { type: "response.failed", sequence_number: 2, response: { status: "failed" } };
  for (const next of [delta(2, "a"), restarted, failed]) {
    const state = folded(created, waiting(1));
    assert.deepEqual([state.waiting?.seconds, state.waiting?.until], [4, 104]);
    state.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 1 });
    state.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 1 });
    assert.ok(state.waiting, "an unnumbered event ends no wait");
    assert.equal(state.apply(next), APPLIED);
    assert.equal(state.waiting, null);
  }
});

test("a wait is an event of the log, in order like every other", () => {
  const state = folded(created);
  assert.equal(state.apply(waiting(2)), BEHIND);
  assert.equal(state.waiting, null);
});

test("a snapshot has the wait, or that there is none", () => {
  const state = folded({ ...snapshot(3, ""), waiting: { seconds: 4, until: 104 } });
  assert.equal(state.waiting?.until, 104);
  state.apply(snapshot(4, "text"));
  assert.equal(state.waiting, null);
});

test("a heartbeat ahead of the cursor reveals a lost event", () => {
  const state = folded(created, delta(1, "a"));
  assert.equal(state.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 1 }), APPLIED);
  assert.equal(state.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 2 }), BEHIND);
});

test("each terminal event ends the response, and nothing follows it", () => {
  /** @type {[WholeEvent["type"], ResponseObject][]} */
  const endings = [
    ["response.completed", { status: "completed" }],
    ["response.incomplete", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
    ["response.incomplete", { status: "cancelled" }],
    ["response.failed", { status: "failed", error: { code: "worker_lost", message: "Lost." } }],
  ];
  for (const [type, response] of endings) {
    const state = folded(created, delta(1, "a"), { type, sequence_number: 2, response });
    assert.equal(state.status, response.status);
    assert.equal(state.reason, response.incomplete_details?.reason ?? null);
    assert.equal(state.error, response.error ?? null);
    assert.equal(state.apply(delta(3, "late")), DROPPED);
    assert.equal(state.output, "a");
  }
});

test("reasoning is kept apart from the answer", () => {
  /** @type {DeltaEvent} */
  const reasoning = { type: "response.reasoning_text.delta", sequence_number: 1, item_id: "rs_r1_0", delta: "hm" };
  const state = folded(created, reasoning, delta(2, "yes"));
  assert.equal(state.reasoning, "hm");
  assert.equal(state.output, "yes");
});

test("any order and any repetition ends with the same text, when each gap is answered from the log", () => {
  const random = seeded(7);
  const deltas = Array.from({ length: 40 }, (_, index) => delta(index + 1, `${index} `));
  const log = [created, ...deltas];
  const whole = deltas.map((event) => event.delta).join("");
  for (let round = 0; round < 200; round += 1) {
    const state = folded(created);
    for (let step = 0; step < 120; step += 1) {
      if (state.apply(log[random(log.length)]) !== BEHIND) continue;
      state.subscribed();
      const next = (state.last ?? -1) + 1;
      for (const event of log.slice(next, next + random(8))) state.apply(event);
      state.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 40 });
    }
    for (const event of log) state.apply(event);
    assert.equal(state.output, whole);
  }
});

test("the number of turns that were left out comes with the start, a snapshot or the row", () => {
  const tailrace = { omitted_turns: 3 };
  const started = folded(created, {
    type: "response.in_progress",
    sequence_number: 1,
    response: { id: ID, status: "in_progress", tailrace },
  });
  assert.equal(started.omittedTurns, 3);
  const whole = snapshot(8, "text");
  assert.equal(folded({ ...whole, response: { ...whole.response, tailrace } }).omittedTurns, 3);
  assert.equal(folded(whole).omittedTurns, 0);
  assert.equal(new ResponseState({ id: ID, omitted_turns: 2 }).omittedTurns, 2);
});

test("calls of functions grow beside the text, each by its id", () => {
  /** @param {number} number @param {string} id @param {string} name @returns {ItemEvent} */
  const call = (number, id, name) => ({
    type: "response.output_item.added",
    sequence_number: number,
    item: { id, type: "function_call", name, arguments: "" },
  });
  /** @param {number} number @param {string} id @param {string} text @returns {DeltaEvent} */
  const more = (number, id, text) => ({
    type: "response.function_call_arguments.delta",
    sequence_number: number,
    item_id: id,
    delta: text,
  });
  const state = folded(
    created,
    delta(1, "Wait."),
    call(2, "fc_r1_1", "weather"),
    call(3, "fc_r1_2", "time"),
    more(4, "fc_r1_1", '{"a":'),
    more(5, "fc_r1_2", "{}"),
    more(6, "fc_r1_1", "1}"),
  );
  const calls = state.others.map(({ name, arguments: given }) => [name, given]);
  assert.deepEqual(calls, [
    ["weather", '{"a":1}'],
    ["time", "{}"],
  ]);
  assert.equal(state.output, "Wait.");
  state.apply({ type: "tailrace:restarted", sequence_number: 7, response_id: ID, attempt: 2 });
  assert.deepEqual([state.output, state.others], ["", []]);
});

test("an item of a server's tool is listed, whatever it holds, and dropped by a restart", () => {
  /** @type {any} */
  const item = { type: "web_search_call", id: "ws_r1_0", status: "in_progress", content: "hits" };
  /** @type {ItemEvent} */
  const added = { type: "response.output_item.added", sequence_number: 1, output_index: 0, item };
  const state = folded(created, added);
  assert.deepEqual([state.others, state.output, state.refused], [[item], "", false]);
  assert.deepEqual(new ResponseState({ id: ID, output: [item] }).others, [item]);
  state.apply({ type: "tailrace:restarted", sequence_number: 2, response_id: ID, attempt: 2 });
  assert.deepEqual(state.others, []);
});

test("a refusal is text in its own voice, also after a snapshot", () => {
  /** @type {DeltaEvent} */
  const refusal = { type: "response.refusal.delta", sequence_number: 1, item_id: "msg_r1_0", delta: "I cannot." };
  const state = folded(created, refusal);
  assert.deepEqual([state.output, state.refused], ["I cannot.", true]);
  const content = [{ type: "refusal", refusal: "I cannot." }];
  const restored = new ResponseState({
    id: ID,
    output: [
      { type: "message", content },
      { type: "later_kind", id: "x" },
    ],
  });
  assert.deepEqual([restored.output, restored.refused], ["I cannot.", true]);
  assert.deepEqual(restored.others, [{ type: "later_kind", id: "x" }]);
});
