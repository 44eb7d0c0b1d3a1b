import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseState } from "../../../chat/static/chat/conversation/response_state.js";
import { Turn } from "../../../chat/static/chat/conversation/turn.js";
import { duration, reasoningText, statsText } from "../../../chat/static/chat/turns/stats.js";
import { items, responseOf, row } from "../rows.mjs";

/** A turn asked at 0 ms and accepted. @param {[ms: number, changes: Partial<ResponseState>][]} steps */
function observed(...steps) {
  const turn = new Turn({ input: "hi", model: "m", previousId: null }, 0);
  turn.response = new ResponseState({ id: "r1" });
  for (const [now, changes] of steps) {
    Object.assign(responseOf(turn), changes);
    turn.touch(now);
  }
  return turn;
}

test("a duration is as precise as it matters", () => {
  assert.deepEqual([0, 440, 9_940, 12_400, 61_000].map(duration), ["0.0 s", "0.4 s", "9.9 s", "12 s", "1 min 1 s"]);
});

test("the time to the first text is counted, then shown with the speed of the last seconds", () => {
  const turn = observed([100, { status: "in_progress" }]);
  assert.equal(statsText(turn, 2_000), "m · 2.0 s so far");
  responseOf(turn).output = "x".repeat(40);
  turn.touch(2_400);
  assert.equal(statsText(turn, 2_400), "m · first text after 2.4 s");
  responseOf(turn).output += "x".repeat(400);
  turn.touch(4_400);
  assert.equal(statsText(turn, 4_400), "m · first text after 2.4 s · about 50 tokens/s");
});

test("a text that arrived at once has no speed", () => {
  const turn = observed([100, { status: "in_progress", output: "x" }]);
  Object.assign(responseOf(turn), { output: "x".repeat(90_000), snapshots: 1 });
  turn.touch(1_000);
  assert.equal(turn.timing.speed(1_100), null);
});

test("after the end the line has the model, the time and the model's own count", () => {
  const usage = { output_tokens: 1234 };
  const turn = observed([1_000, { status: "in_progress" }], [3_500, { status: "completed", output: "x", usage }]);
  assert.equal(statsText(turn, 99_000), "m · 2.5 s · 1,234 tokens");
});

test("a row shows its own times, and without them only its model", () => {
  const untimed = row("r1", "completed", null, { output: items("x"), created_at: 100 });
  assert.equal(statsText(Turn.of(untimed, 0), 0), "m");
  const timed = { ...untimed, started_at: 101, first_token_at: 102, ended_at: 105.5, usage: { output_tokens: 1 } };
  assert.equal(statsText(Turn.of(timed, 0), 0), "m · 4.5 s · 1 token");
});

test("thinking is timed from its first to the answer's first text", () => {
  const turn = observed([100, { status: "in_progress", reasoning: "hm" }]);
  assert.equal(reasoningText(turn, 2_100), "Thinking for 2.0 s…");
  responseOf(turn).output = "yes";
  turn.touch(3_100);
  assert.equal(reasoningText(turn, 9_000), "Thought for 3.0 s");
  assert.equal(turn.timing.untilFirst, 100);
});

test("reasoning that did not arrive live has no time", () => {
  const reasoned = row("r1", "completed", null, { output: items("x", "hm") });
  assert.equal(reasoningText(Turn.of(reasoned, 0), 0), "Reasoning");
});

/** A row that runs since 5 s by the server's clock, which is far from the page's. @param {Partial<ResponseRow>} more */
const runs = (more = {}) => Turn.of(row("r1", "in_progress", null, { created_at: 900, age: 5, ...more }), 50_000);

/** @param {Turn} turn @param {number} now @param {Partial<ResponseState>} changes */
function change(turn, now, changes) {
  Object.assign(responseOf(turn), changes);
  turn.touch(now);
}

test("a running row is timed by its age: no figure mixes two clocks", () => {
  const turn = runs({ started_at: 901 });
  assert.equal(statsText(turn, 52_000), "m · 7.0 s so far");
  change(turn, 53_000, { snapshots: 1 });
  change(turn, 54_000, { output: "x" });
  assert.equal(statsText(turn, 54_000), "m · first text after 9.0 s");
  change(turn, 60_000, { status: "completed" });
  assert.equal(statsText(turn, 99_000), "m · 14 s", "from the claim by a worker");
});

test("text that was there before the page has no time", () => {
  const turn = runs();
  change(turn, 51_000, { snapshots: 1, output: "x", reasoning: "hm" });
  change(turn, 52_000, { output: "xy" });
  assert.equal(statsText(turn, 52_000), "m");
  assert.equal(reasoningText(turn, 52_000), "Reasoning");
});

test("text that began while the connection was lost has no time", () => {
  const turn = observed([100, { status: "in_progress" }]);
  responseOf(turn).last = 3;
  turn.subscribe(() => true);
  change(turn, 4_000, { output: "x" });
  assert.equal(statsText(turn, 4_000), "m");
});

test("in a pause there is no speed", () => {
  const turn = observed([100, { status: "in_progress", output: "x".repeat(40) }], [2_000, { output: "x".repeat(400) }]);
  assert.match(statsText(turn, 2_100), /tokens/);
  assert.doesNotMatch(statsText(turn, 6_000), /tokens/);
});
