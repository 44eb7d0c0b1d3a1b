import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, figures, thoughtWords } from "../../../chat/static/chat/turns/stats.js";
import { Follow } from "../../../chat/static/chat/conversation/follow.js";
import { Turn } from "../../../chat/static/chat/conversation/turn.js";

/** A turn that was asked at 0 ms, accepted, and then heard as `steps` say: [ms, changes of its follow]. */
function heard(...steps) {
  const turn = new Turn({ input: "hi", model: "m", previousId: null }, 0);
  turn.follow = new Follow({ id: "r1" });
  for (const [now, changes] of steps) {
    Object.assign(turn.follow, changes);
    turn.hear(now);
  }
  return turn;
}

test("a duration is told as finely as it matters", () => {
  assert.deepEqual([0, 440, 9_940, 12_400, 61_000].map(duration), ["0.0 s", "0.4 s", "9.9 s", "12 s", "1 min 1 s"]);
});

test("before the first text the time is counted, then told, and the speed of the last seconds with it", () => {
  const turn = heard([100, { status: "in_progress" }]);
  assert.equal(figures(turn, 2_000), "m · 2.0 s so far");
  Object.assign(turn.follow, { output: "x".repeat(40) });
  turn.hear(2_400);
  assert.equal(figures(turn, 2_400), "m · first text after 2.4 s");
  turn.follow.output += "x".repeat(400);
  turn.hear(4_400);
  assert.equal(figures(turn, 4_400), "m · first text after 2.4 s · about 50 tokens/s");
});

test("a text that was there at once tells no speed", () => {
  const turn = heard([100, { status: "in_progress", output: "x" }]);
  Object.assign(turn.follow, { output: "x".repeat(90_000), snapshots: 1 });
  turn.hear(1_000);
  assert.equal(turn.pace.speed(1_100), null);
});

test("after the end stand the model, the time and the model's own count", () => {
  const usage = { output_tokens: 1234 };
  const turn = heard([1_000, { status: "in_progress" }], [3_500, { status: "completed", output: "x", usage }]);
  assert.equal(figures(turn, 99_000), "m · 2.5 s · 1,234 tokens");
});

test("a row tells by its own times, and without them only its model", () => {
  const row = { id: "r1", status: "completed", input: "hi", output_text: "x", model: "m", created_at: 100 };
  assert.equal(figures(Turn.of(row, 0), 0), "m");
  const timed = { ...row, started_at: 101, first_token_at: 102, ended_at: 105.5, usage: { output_tokens: 1 } };
  assert.equal(figures(Turn.of(timed, 0), 0), "m · 4.5 s · 1 token");
});

test("thinking is timed from its first to the answer's first text", () => {
  const turn = heard([100, { status: "in_progress", reasoning: "hm" }]);
  assert.equal(thoughtWords(turn, 2_100), "Thinking for 2.0 s…");
  turn.follow.output = "yes";
  turn.hear(3_100);
  assert.equal(thoughtWords(turn, 9_000), "Thought for 3.0 s");
  assert.equal(turn.pace.untilFirst, 100);
});

test("reasoning that nobody saw has no time", () => {
  const row = { id: "r1", status: "completed", input: "hi", output_text: "x", reasoning_text: "hm", model: "m" };
  assert.equal(thoughtWords(Turn.of(row, 0), 0), "Reasoning");
});
