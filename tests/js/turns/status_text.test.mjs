import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseState } from "../../../chat/static/chat/conversation/response_state.js";
import { Turn } from "../../../chat/static/chat/conversation/turn.js";
import {
  announcement,
  apiErrorText,
  connectionText,
  omittedText,
  statusOf,
} from "../../../chat/static/chat/turns/status_text.js";
import { items, responseOf, row } from "../rows.mjs";

/** @param {Partial<ResponseRow>} more */
function turn(more) {
  return Turn.of(row("r1", "queued", null, more), 0);
}

/** @type {{ connection: ConnectionState, now: number }} */
const open = { connection: "open", now: 0 };

test("a queued turn is shown as queued, and one without text yet as thinking", () => {
  assert.equal(statusOf(turn({ status: "queued" }), open).text, "Queued");
  assert.equal(statusOf(turn({ status: "in_progress" }), open).text, "Thinking…");
  assert.equal(statusOf(turn({ status: "in_progress", output: items("a") }), open).text, "");
});

test("a turn beyond a limit shows when it is sent again", () => {
  const postponed = new Turn({ input: "a", model: "m", previousId: null }, 0);
  postponed.postpone(4.2, 0);
  assert.equal(statusOf(postponed, open).text, "Too many questions at once: sending in 5 s");
  assert.ok(!statusOf(postponed, open).trouble);
});

test("a failure shows the server's sentence and can be retried", () => {
  const failed = statusOf(turn({ status: "failed", error: { code: "worker_lost", message: "It was lost." } }), open);
  assert.equal(failed.text, "It was lost.");
  assert.match(failed.help, /Try again/);
  assert.ok(failed.trouble && failed.retry && !failed.flowing);
  assert.notEqual(statusOf(turn({ status: "failed", error: null }), open).text, "");
});

test("nothing flows while the connection is lost or silent", () => {
  const running = turn({ status: "in_progress" });
  assert.ok(statusOf(running, open).flowing);
  assert.ok(!statusOf(running, { connection: "reconnecting", now: 0 }).flowing);
  const silent = statusOf(running, { connection: "open", now: 16_500 });
  assert.ok(!silent.flowing);
  assert.equal(silent.text, "No data for 17 s, reconnecting…");
});

test("the queue position is shown once it is known", () => {
  const queued = turn({ status: "queued" });
  responseOf(queued).queue = 3;
  assert.equal(statusOf(queued, open).text, "In the queue, 3 ahead");
  responseOf(queued).queue = 0;
  assert.equal(statusOf(queued, open).text, "In the queue, next");
  responseOf(queued).queue = 101;
  assert.equal(statusOf(queued, open).text, "In the queue, more than 100 ahead");
});

test("a lost worker is shown until text comes from the next one", () => {
  const running = turn({ status: "in_progress", output: items("a") });
  responseOf(running).interruption = "worker_lost";
  assert.equal(statusOf(running, open).text, "Worker lost, continuing…");
  responseOf(running).output = "";
  assert.equal(statusOf(running, open).text, "Worker lost, starting again…");
});

test("a worker that stops in good order is not called lost", () => {
  const running = turn({ status: "in_progress", output: items("a") });
  responseOf(running).interruption = "handed_over";
  assert.equal(statusOf(running, open).text, "Moved to another worker, continuing…");
  responseOf(running).output = "";
  assert.equal(statusOf(running, open).text, "Moved to another worker, starting again…");
  responseOf(running).interruption = "a reason that is not known yet";
  assert.equal(statusOf(running, open).text, "Worker lost, starting again…");
});

test("a pause in the text is shown after three seconds, until the next words", () => {
  const running = turn({ status: "in_progress", output: items("a") });
  const textAt = (/** @type {number} */ now) => statusOf(running, { connection: "open", now }).text;
  assert.equal(textAt(9_000), "", "no text has arrived live yet");
  running.touch(10_000);
  running.touch(12_500); // a heartbeat
  assert.equal(textAt(12_900), "");
  assert.equal(textAt(13_000), "Waiting for the next words…");
  responseOf(running).output += "b";
  running.touch(13_500);
  assert.equal(textAt(13_500), "");
});

test("a lost worker and Stop are shown instead of a pause", () => {
  const running = turn({ status: "in_progress", output: items("a") });
  running.touch(0);
  responseOf(running).interruption = "worker_lost";
  /** @type {typeof open} */
  const late = { connection: "open", now: 5_000 };
  assert.equal(statusOf(running, late).text, "Worker lost, continuing…");
  running.stopping = true;
  assert.equal(statusOf(running, late).text, "Stopping…");
});

/** @param {Partial<ResponseRow>} more */
function busy(more = {}) {
  const waits = turn({ status: "in_progress", ...more });
  responseOf(waits).waiting = { seconds: 4, until: 104 };
  return waits;
}

test("a busy model is counted down in whole seconds, never from more than the server sent", () => {
  const waits = busy();
  waits.lastEventAt = 100_000;
  const textAt = (/** @type {number} */ now) => statusOf(waits, { connection: "open", now }).text;
  assert.equal(textAt(100_000), "The model is busy: retrying in 4 s");
  assert.equal(textAt(102_500), "The model is busy: retrying in 2 s");
  assert.equal(textAt(104_000), "The model was busy, retrying…");
  assert.equal(textAt(10_000), "The model is busy: retrying in 4 s", "the page's clock is behind");
});

test("a busy model is shown also after text, but not over Stop", () => {
  const waits = busy({ output: items("a") });
  assert.match(statusOf(waits, open).text, /busy/);
  waits.stopping = true;
  assert.equal(statusOf(waits, open).text, "Stopping…");
});

test("a busy model is announced once, not each second", () => {
  assert.equal(announcement(busy()), "The model is busy: retrying in 4 s.");
});

test("stopping shows at once, also while disconnected", () => {
  const stopped = turn({ status: "in_progress" });
  stopped.stopping = true;
  assert.equal(statusOf(stopped, { connection: "reconnecting", now: 0 }).text, "Stopping…");
});

test("each way to be cut off has its text", () => {
  const cut = (/** @type {string | null} */ reason) =>
    statusOf(turn({ status: "incomplete", incomplete_details: reason === null ? null : { reason } }), open).text;
  assert.equal(new Set([cut("max_output_tokens"), cut("content_filter"), cut(null)]).size, 3);
  assert.equal(statusOf(turn({ status: "cancelled" }), open).text, "Stopped.");
});

test("starts and ends are announced, waiting is not", () => {
  assert.equal(announcement(turn({ status: "queued" })), null);
  assert.equal(announcement(turn({ status: "in_progress" })), "The answer has started.");
  assert.equal(announcement(turn({ status: "completed" })), "The answer is complete.");
  assert.equal(announcement(turn({ status: "cancelled" })), "Stopped.");
});

test("the wait for the next attempt is in whole seconds", () => {
  assert.equal(connectionText("reconnecting", 2100), "Reconnecting in 3 s");
  assert.equal(connectionText("reconnecting", -5), "Reconnecting in 1 s");
  assert.equal(connectionText("reconnecting", null), "Reconnecting…");
});

test("a kept message is mentioned in every disconnected state", () => {
  for (const state of /** @type {const} */ (["offline", "reconnecting", "signed-out"])) {
    assert.match(connectionText(state, 2000, true), /message is kept/, state);
    assert.doesNotMatch(connectionText(state, 2000, false), /message/, state);
  }
});

test("each kind of API error has its text", () => {
  const texts = new Set([0, 401, 404, 400].map(apiErrorText));
  assert.equal(texts.size, 4);
  assert.equal(apiErrorText(503), apiErrorText(0));
});

test("an answer that only reasoned up to its limit has a sentence and a remedy", () => {
  const cut = { incomplete_details: { reason: "max_output_tokens" } };
  const sentence = /whole length limit went into reasoning/;
  const reasoned = statusOf(turn({ status: "incomplete", ...cut, output: items("", "hm") }), open);
  assert.match(reasoned.text, sentence);
  assert.match(reasoned.help, /another model/);
  assert.ok(!reasoned.trouble);
  const usage = { output_tokens: 9, output_tokens_details: { reasoning_tokens: 9 } };
  assert.match(statusOf(turn({ status: "incomplete", ...cut, usage }), open).text, sentence);
  for (const other of [
    { ...cut, output: items("a", "hm") },
    { ...cut },
    { ...cut, usage: { output_tokens: 9 } },
    { ...cut, output: items("a") },
    { incomplete_details: { reason: "content_filter" }, output: items("", "hm") },
  ]) {
    assert.doesNotMatch(statusOf(turn({ status: "incomplete", ...other }), open).text, sentence);
  }
});

test("a cut without any text has a sentence and a remedy, also without a count of reasoning", () => {
  const cut = { incomplete_details: { reason: "max_output_tokens" } };
  const sentence = /length limit before any text/;
  for (const more of [{}, { usage: { output_tokens: 9 } }]) {
    const empty = statusOf(turn({ status: "incomplete", ...cut, ...more }), open);
    assert.match(empty.text, sentence);
    assert.match(empty.help, /another model/);
    assert.ok(!empty.trouble);
  }
  for (const other of [
    { ...cut, output: items("a") },
    { ...cut, output: items("", "hm") },
    { incomplete_details: { reason: "content_filter" } },
  ]) {
    const { text } = statusOf(turn({ status: "incomplete", ...other }), open);
    assert.doesNotMatch(text, sentence);
  }
});

test("an empty answer can be retried", () => {
  const error = { code: "empty_answer", message: "The model ended its answer without a word." };
  const { retry, help } = statusOf(turn({ status: "failed", error }), open);
  assert.ok(retry);
  assert.match(help, /Try again/);
});

test("turns that were left out are counted above the answer", () => {
  const text = (/** @type {number} */ omitted_turns) => omittedText(turn({ omitted_turns }).response);
  assert.equal(text(0), "");
  assert.equal(omittedText(null), "");
  const why = ": the conversation is longer than it can take.";
  assert.equal(text(1), `The model did not read the oldest question and its answer${why}`);
  assert.equal(text(3), `The model did not read the 3 oldest questions and answers${why}`);
});

test("turns that were left out are announced with the start", () => {
  const started = turn({ status: "in_progress", omitted_turns: 1 });
  assert.equal(announcement(started), `The answer has started. ${omittedText(started.response)}`);
  assert.equal(announcement(turn({ status: "completed", omitted_turns: 1 })), "The answer is complete.");
});

test("each outcome without a whole answer has its sentence and a remedy", () => {
  const refused = [{ type: "message", content: [{ type: "refusal", refusal: "No." }] }];
  const filter = { incomplete_details: { reason: "content_filter" } };
  const outcomes = [
    turn({ status: "completed" }),
    turn({ status: "completed", output: refused }),
    turn({ status: "incomplete", ...filter }),
    turn({ status: "incomplete", ...filter, output: items("a") }),
  ].map((each) => statusOf(each, open));
  assert.equal(new Set(outcomes.map(({ text }) => text)).size, outcomes.length);
  for (const { help } of outcomes) assert.notEqual(help, "");
  assert.deepEqual(
    outcomes.map(({ retry }) => retry),
    [true, false, false, false],
  );
});

test("an answer that only calls a function needs no sentence", () => {
  const calls = turn({ status: "completed", output: [{ type: "function_call", id: "fc_1", name: "look" }] });
  assert.equal(statusOf(calls, open).text, "");
});

test("a question that a program added needs no answer", () => {
  const { text, retry } = statusOf(turn({ status: "completed", model: "", added: true }), open);
  assert.deepEqual([text, retry], ["", false]);
  assert.notEqual(statusOf(turn({ status: "completed" }), open).text, "");
});

test("an answer whose worker was lost says so, with the time if it was observed", () => {
  assert.match(statusOf(turn({ status: "completed", losses: 1, output: items("a") }), open).text, /^A worker was lost/);
  const live = new Turn({ input: "a", model: "m", previousId: null }, 0);
  live.response = new ResponseState({ id: "resp_r1" });
  live.response.apply({ type: "response.in_progress", sequence_number: 0, response: { status: "in_progress" } });
  live.touch(1_000);
  live.response.apply({ type: "tailrace:restarted", sequence_number: 1, response_id: "resp_r1", attempt: 2 });
  live.touch(18_000);
  live.response.apply({ type: "response.completed", sequence_number: 2, response: { status: "completed" } });
  live.response.output = "a";
  assert.equal(statusOf(live, open).text, "The worker was lost; another one took over after 17 s.");
});

test("while a model reasons, the summary of its reasoning says so alone", () => {
  assert.equal(statusOf(turn({ status: "in_progress", output: items("", "hm") }), open).text, "");
});

test("an answer that was cut at its length can be continued, unless it has no text or a call", () => {
  const cut = { status: /** @type {Status} */ ("incomplete"), incomplete_details: { reason: "max_output_tokens" } };
  const call = { type: "function_call", name: "f" };
  assert.ok(statusOf(turn({ ...cut, output: items("a") }), open).continues);
  assert.ok(!statusOf(turn({ ...cut, output: items("", "hm") }), open).continues);
  assert.match(statusOf(turn({ ...cut, output: items("", "hm") }), open).help, /^Raise the longest answer/);
  assert.ok(!statusOf(turn({ ...cut, output: [...items("a"), call] }), open).continues);
  const filtered = { ...cut, incomplete_details: { reason: "content_filter" } };
  assert.ok(!statusOf(turn({ ...filtered, output: items("a") }), open).continues);
});

test("a refused setting is named", () => {
  const refused = new Turn({ input: "a", model: "m", previousId: null }, 0);
  refused.refusal = { code: "invalid_field", param: "temperature", message: "This field has an invalid value." };
  assert.equal(statusOf(refused, open).text, "Not sent. Temperature: This field has an invalid value.");
});
