import assert from "node:assert/strict";
import { test } from "node:test";

import { APPLIED, BEHIND, DROPPED, Follow } from "../../../chat/static/chat/conversation/follow.js";

const ID = "r1";
const created = { type: "response.created", sequence_number: 0, response: { id: ID, status: "queued" } };

function delta(number, text) {
  return { type: "response.output_text.delta", sequence_number: number, item_id: `msg_${ID}`, delta: text };
}

function snapshot(number, text, status = "in_progress") {
  const output = [
    { type: "reasoning", content: [{ type: "reasoning_text", text: "why" }] },
    { type: "message", content: [{ type: "output_text", text }] },
  ];
  return { type: "tailrace:snapshot", sequence_number: number, response_id: ID, response: { id: ID, status, output } };
}

function followed(...events) {
  const follow = new Follow({ id: ID });
  for (const event of events) follow.apply(event);
  return follow;
}

test("events in order add up to the text", () => {
  const follow = followed(created, delta(1, "Hel"), delta(2, "lo"));
  assert.equal(follow.output, "Hello");
  assert.equal(follow.last, 2);
});

test("an event that was seen is dropped", () => {
  const follow = followed(created, delta(1, "a"));
  assert.equal(follow.apply(delta(1, "a")), DROPPED);
  assert.equal(follow.output, "a");
});

test("a gap asks for a replay and changes nothing", () => {
  const follow = followed(created, delta(1, "a"));
  assert.equal(follow.apply(delta(3, "c")), BEHIND);
  assert.equal(follow.output, "a");
  assert.equal(follow.last, 1);
});

test("while a replay is on its way, events ahead of it do not ask again", () => {
  const follow = followed(created);
  assert.equal(follow.apply(delta(2, "b")), BEHIND);
  follow.subscribed();
  assert.equal(follow.apply(delta(3, "c")), DROPPED);
  for (const event of [delta(1, "a"), delta(2, "b"), delta(3, "c")]) assert.equal(follow.apply(event), APPLIED);
  assert.equal(follow.output, "abc");
  assert.equal(follow.apply(delta(5, "e")), BEHIND);
});

test("a replay that brought nothing allows to ask again", () => {
  const follow = followed(created);
  follow.subscribed();
  follow.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 0 });
  assert.equal(follow.apply(delta(2, "b")), BEHIND);
});

test("without a cursor only the beginning or a snapshot is taken", () => {
  const follow = followed();
  assert.equal(follow.apply(delta(7, "middle")), BEHIND);
  assert.equal(follow.apply(snapshot(8, "whole")), APPLIED);
  assert.equal(follow.apply(delta(8, "whole")), DROPPED);
  assert.equal(follow.apply(delta(9, " text")), APPLIED);
  assert.equal(follow.output, "whole text");
  assert.equal(follow.reasoning, "why");
});

test("a snapshot replaces the text and begins a new edition", () => {
  const follow = followed(created, delta(1, "old"));
  const { edition } = follow;
  follow.apply(snapshot(5, "new"));
  assert.equal(follow.output, "new");
  assert.notEqual(follow.edition, edition);
});

test("a snapshot of an ended response ends it", () => {
  assert.ok(followed(snapshot(9, "all", "completed")).ended);
});

test("a restart drops the text, in order like every event of the log", () => {
  const follow = followed(created, delta(1, "lost"));
  const restarted = { type: "tailrace:restarted", response_id: ID, attempt: 2, reason: "worker_lost" };
  assert.equal(follow.apply({ ...restarted, sequence_number: 3 }), BEHIND);
  assert.equal(follow.output, "lost");
  assert.equal(follow.apply({ ...restarted, sequence_number: 2 }), APPLIED);
  assert.equal(follow.output, "");
  assert.equal(follow.attempt, 2);
  follow.apply(delta(3, "again"));
  assert.equal(follow.output, "again");
});

test("an answer that is continued keeps its text and its place", () => {
  const follow = followed(created, delta(1, "kept"));
  const continued = { type: "tailrace:continued", response_id: ID, attempt: 2, sequence_number: 2, reason: "handed_over" };
  assert.equal(follow.apply(continued), APPLIED);
  assert.equal(follow.interruption, "handed_over");
  follow.apply(delta(3, " and gone on"));
  assert.equal(follow.output, "kept and gone on");
  assert.equal(follow.edition, 0);
  assert.equal(follow.interruption, null, "the text flows: nothing to tell any more");
});

test("a snapshot that goes on from the text keeps the edition: what is on screen stays", () => {
  const follow = followed(snapshot(3, "some"));
  const { edition, snapshots } = follow;
  follow.apply(snapshot(8, "some more"));
  assert.equal(follow.output, "some more");
  assert.equal(follow.edition, edition);
  assert.equal(follow.snapshots, snapshots + 1);
});

test("the place in the queue is known until a worker has the response", () => {
  const follow = followed(created);
  assert.equal(follow.apply({ type: "tailrace:queue", response_id: ID, position: 3 }), APPLIED);
  assert.equal(follow.queue, 3);
  follow.apply({ type: "response.in_progress", sequence_number: 1, response: { id: ID, status: "in_progress" } });
  assert.equal(follow.queue, null);
});

test("the model's own count of tokens comes with the end", () => {
  const usage = { input_tokens: 3, output_tokens: 5 };
  const end = { type: "response.completed", sequence_number: 1, response: { status: "completed", usage } };
  assert.deepEqual(followed(created, end).usage, usage);
});

function waiting(number) {
  const told = { reason: "rate_limit_exceeded", seconds: 4, until: 104 };
  return { type: "tailrace:waiting", sequence_number: number, response_id: ID, ...told };
}

test("a wait lasts until the next event, whatever that is", () => {
  const restarted = { type: "tailrace:restarted", response_id: ID, attempt: 2, reason: "worker_lost" };
  const failed = { type: "response.failed", response: { status: "failed" } };
  for (const next of [delta(2, "a"), { ...restarted, sequence_number: 2 }, { ...failed, sequence_number: 2 }]) {
    const follow = followed(created, waiting(1));
    assert.deepEqual([follow.waiting.seconds, follow.waiting.until], [4, 104]);
    follow.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 1 });
    follow.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 1 });
    assert.ok(follow.waiting, "what is not in the log ends no wait");
    assert.equal(follow.apply(next), APPLIED);
    assert.equal(follow.waiting, null);
  }
});

test("a wait is an event of the log, in order like every other", () => {
  const follow = followed(created);
  assert.equal(follow.apply(waiting(2)), BEHIND);
  assert.equal(follow.waiting, null);
});

test("a snapshot tells of a wait, or that there is none", () => {
  const follow = followed({ ...snapshot(3, ""), waiting: { seconds: 4, until: 104 } });
  assert.equal(follow.waiting.until, 104);
  follow.apply(snapshot(4, "text"));
  assert.equal(follow.waiting, null);
});

test("a heartbeat ahead of the cursor tells that the last event was lost", () => {
  const follow = followed(created, delta(1, "a"));
  assert.equal(follow.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 1 }), APPLIED);
  assert.equal(follow.apply({ type: "tailrace:heartbeat", response_id: ID, latest: 2 }), BEHIND);
});

test("each terminal event ends the response, and nothing follows it", () => {
  const endings = [
    ["response.completed", { status: "completed" }],
    ["response.incomplete", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
    ["response.incomplete", { status: "cancelled" }],
    ["response.failed", { status: "failed", error: { code: "worker_lost", message: "Lost." } }],
  ];
  for (const [type, response] of endings) {
    const follow = followed(created, delta(1, "a"), { type, sequence_number: 2, response });
    assert.equal(follow.status, response.status);
    assert.equal(follow.reason, response.incomplete_details?.reason ?? null);
    assert.equal(follow.error, response.error ?? null);
    assert.equal(follow.apply(delta(3, "late")), DROPPED);
    assert.equal(follow.output, "a");
  }
});

test("reasoning is kept apart from the answer", () => {
  const reasoning = { type: "response.reasoning_text.delta", sequence_number: 1, item_id: `rs_${ID}`, delta: "hm" };
  const follow = followed(created, reasoning, delta(2, "yes"));
  assert.equal(follow.reasoning, "hm");
  assert.equal(follow.output, "yes");
});

test("any order and any repetition ends with the same text, when each gap is answered from the log", () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const log = [created, ...Array.from({ length: 40 }, (_, index) => delta(index + 1, `${index} `))];
  const whole = log.slice(1).map((event) => event.delta).join("");
  for (let round = 0; round < 200; round += 1) {
    const follow = followed(created);
    for (let step = 0; step < 120; step += 1) {
      if (follow.apply(log[random(log.length)]) !== BEHIND) continue;
      follow.subscribed();
      for (const event of log.slice(follow.last + 1, follow.last + 1 + random(8))) follow.apply(event);
      follow.apply({ type: "tailrace:up_to_date", response_id: ID, latest: 40 });
    }
    for (const event of log) follow.apply(event);
    assert.equal(follow.output, whole);
  }
});
