import assert from "node:assert/strict";
import { test } from "node:test";

import { announcement, archiveWords, connectionWords, standing } from "../../../chat/static/chat/turns/status_text.js";
import { Turn } from "../../../chat/static/chat/conversation/turn.js";

function turn(row) {
  return Turn.of({ id: "r1", input: "hi", output_text: "", reasoning_text: "", ...row }, 0);
}

const open = { connection: "open", now: 0 };

test("a queued turn says so, and one without text yet thinks", () => {
  assert.equal(standing(turn({ status: "queued" }), open).words, "Queued");
  assert.equal(standing(turn({ status: "in_progress" }), open).words, "Thinking…");
  assert.equal(standing(turn({ status: "in_progress", output_text: "a" }), open).words, "");
});

test("a failure is told with the server's sentence and can be retried", () => {
  const failed = standing(turn({ status: "failed", error: { code: "worker_lost", message: "It was lost." } }), open);
  assert.equal(failed.words, "It was lost.");
  assert.match(failed.remedy, /Try again/);
  assert.ok(failed.trouble && failed.retry && !failed.flowing);
  assert.notEqual(standing(turn({ status: "failed", error: null }), open).words, "");
});

test("nothing flows while the connection is away or silent", () => {
  const running = turn({ status: "in_progress" });
  assert.ok(standing(running, open).flowing);
  assert.ok(!standing(running, { connection: "reconnecting", now: 0 }).flowing);
  const silent = standing(running, { connection: "open", now: 16_500 });
  assert.ok(!silent.flowing);
  assert.equal(silent.words, "No news for 17 s, reconnecting…");
});

test("the place in the queue is told once it is known", () => {
  const queued = turn({ status: "queued" });
  queued.follow.queue = 3;
  assert.equal(standing(queued, open).words, "In the queue, 3 ahead");
  queued.follow.queue = 0;
  assert.equal(standing(queued, open).words, "In the queue, next");
});

test("a lost worker is told until text comes from the next one", () => {
  const running = turn({ status: "in_progress", output_text: "a" });
  running.follow.interruption = "worker_lost";
  assert.equal(standing(running, open).words, "Worker lost, continuing…");
  running.follow.output = "";
  assert.equal(standing(running, open).words, "Worker lost, starting again…");
});

test("a worker that stops in good order is not called lost", () => {
  const running = turn({ status: "in_progress", output_text: "a" });
  running.follow.interruption = "handed_over";
  assert.equal(standing(running, open).words, "Moved to another worker, continuing…");
  running.follow.output = "";
  assert.equal(standing(running, open).words, "Moved to another worker, starting again…");
  running.follow.interruption = "a reason that is not known yet";
  assert.equal(standing(running, open).words, "Worker lost, starting again…");
});

test("a pause in the text is told after three seconds, until the next words", () => {
  const running = turn({ status: "in_progress", output_text: "a" });
  const wordsAt = (now) => standing(running, { connection: "open", now }).words;
  assert.equal(wordsAt(9_000), "", "nobody has looked at it yet");
  running.hear(10_000);
  running.hear(12_500); // a heartbeat
  assert.equal(wordsAt(12_900), "");
  assert.equal(wordsAt(13_000), "Waiting for the next words…");
  running.follow.output += "b";
  running.hear(13_500);
  assert.equal(wordsAt(13_500), "");
});

test("a lost worker, a busy model and Stop are more than a pause", () => {
  const running = turn({ status: "in_progress", output_text: "a" });
  running.hear(0);
  running.follow.interruption = "worker_lost";
  const late = { connection: "open", now: 5_000 };
  assert.equal(standing(running, late).words, "Worker lost, continuing…");
  running.stopping = true;
  assert.equal(standing(running, late).words, "Stopping…");
});

function busy(row = {}) {
  const waits = turn({ status: "in_progress", ...row });
  waits.follow.waiting = { seconds: 4, until: 104 };
  return waits;
}

test("a busy model is counted down in whole seconds, by either clock never more than was said", () => {
  const waits = busy();
  waits.heardAt = 100_000;
  const wordsAt = (now) => standing(waits, { connection: "open", now }).words;
  assert.equal(wordsAt(100_000), "The model is busy: asked again in 4 s");
  assert.equal(wordsAt(102_500), "The model is busy: asked again in 2 s");
  assert.equal(wordsAt(104_000), "The model was busy, and is asked again…");
  assert.equal(wordsAt(10_000), "The model is busy: asked again in 4 s", "the page's clock is behind");
});

test("a busy model is told of also when there is text to go on from, but not over Stop", () => {
  const waits = busy({ output_text: "a" });
  assert.match(standing(waits, open).words, /busy/);
  waits.stopping = true;
  assert.equal(standing(waits, open).words, "Stopping…");
});

test("a busy model is announced once, not each second", () => {
  assert.equal(announcement(busy()), "The model is busy: asked again in 4 s.");
});

test("stopping shows at once, also while the connection is away", () => {
  const stopped = turn({ status: "in_progress" });
  stopped.stopping = true;
  assert.equal(standing(stopped, { connection: "reconnecting", now: 0 }).words, "Stopping…");
});

test("each way to be cut off has its words", () => {
  const cut = (reason) => standing(turn({ status: "incomplete", incomplete_details: reason && { reason } }), open).words;
  assert.equal(new Set([cut("max_output_tokens"), cut("content_filter"), cut(null)]).size, 3);
  assert.equal(standing(turn({ status: "cancelled" }), open).words, "Stopped.");
});

test("starts and ends are announced, waiting is not", () => {
  assert.equal(announcement(turn({ status: "queued" })), null);
  assert.equal(announcement(turn({ status: "in_progress" })), "The answer has started.");
  assert.equal(announcement(turn({ status: "completed" })), "The answer is complete.");
  assert.equal(announcement(turn({ status: "cancelled" })), "Stopped.");
});

test("the wait for the next attempt is told in whole seconds", () => {
  assert.equal(connectionWords("reconnecting", 2100), "Reconnecting in 3 s");
  assert.equal(connectionWords("reconnecting", -5), "Reconnecting in 1 s");
  assert.equal(connectionWords("reconnecting", null), "Reconnecting…");
});

test("whoever has a message on its way hears that it is kept, whatever keeps it", () => {
  for (const state of ["offline", "reconnecting", "signed-out"]) {
    assert.match(connectionWords(state, 2000, true), /message is kept/, state);
    assert.doesNotMatch(connectionWords(state, 2000, false), /message/, state);
  }
});

test("each answer of the archive that is none has its words", () => {
  const words = new Set([0, 401, 404, 400].map(archiveWords));
  assert.equal(words.size, 4);
  assert.equal(archiveWords(503), archiveWords(0));
});
