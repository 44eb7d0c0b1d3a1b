import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { SharedConversation } from "../../../chat/static/chat/sharing/shared_conversation.js";
import { row } from "../rows.mjs";

const PATH = "/shared/token/turns/";
const fetchOfNode = globalThis.fetch;

/** @type {Command[]} */
let sent;
/** @type {unknown[][]} */
let heard;
/** @type {string[]} */
let asked;
/** @type {{ status: number, responses: ResponseRow[] }} */
let server;

beforeEach(() => {
  [sent, heard, asked, server] = [[], [], [], { status: 200, responses: [] }];
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    return Response.json({ title: "Depths", responses: server.responses }, { status: server.status });
  };
});

afterEach(() => {
  globalThis.fetch = fetchOfNode;
});

/** @param {ResponseRow[]} responses */
function shared(responses) {
  const on = {
    changed: () => {},
    path: () => heard.push(["path"]),
    titled: (/** @type {string} */ title) => heard.push(["titled", title]),
    ended: () => heard.push(["ended"]),
  };
  const send = (/** @type {Command} */ command) => Boolean(sent.push(command));
  return new SharedConversation({ title: "", responses, socket_path: "", turns_path: PATH, file_path: "" }, { send, on });
}

/** @param {SharedConversation} conversation */
const shown = ({ tree }) => tree.path.map(({ response }) => response?.id);

test("a running answer is followed, a new turn is fetched and followed", async () => {
  const conversation = shared([row("r1", "in_progress")]);
  server.responses = [row("r1", "in_progress"), row("r2", "queued", "r1")];
  await conversation.resume();
  const ids = sent.map((command) => "response_id" in command && command.response_id);
  assert.deepEqual(ids, ["r1", "r2"]);
  assert.deepEqual(shown(conversation), ["r1", "r2"]);
  assert.deepEqual(heard.at(-1), ["path"]);
});

test("a replaced version is dropped, the turns above a page stay", async () => {
  const conversation = shared([row("r1"), row("r2", "completed", "r1"), row("r3", "completed", "r2")]);
  server.responses = [row("r4", "completed", "r2")]; // the latest page, without the turns above
  await conversation.refresh();
  assert.deepEqual(shown(conversation), ["r1", "r2", "r4"]);
  assert.equal(conversation.tree.find("r3"), undefined);
  server.responses = [row("r5")];
  await conversation.refresh();
  assert.deepEqual(shown(conversation), ["r5"]);
});

test("turns above are asked for by the first one", async () => {
  const conversation = shared([row("r2", "completed", "r1")]);
  server.responses = [row("r1")];
  assert.equal(await conversation.loadEarlier(), true);
  assert.deepEqual([asked, shown(conversation)], [[`${PATH}?before=r2`], ["r1", "r2"]]);
  assert.equal(await conversation.loadEarlier(), false);
  assert.equal(asked.length, 1);
});

test("a link that has ended is reported, an outage is not", async () => {
  const conversation = shared([row("r1")]);
  server.status = 503;
  await conversation.refresh();
  assert.deepEqual([heard, shown(conversation)], [[], ["r1"]]);
  server.status = 404;
  await conversation.refresh();
  assert.deepEqual(heard, [["ended"]]);
});

test("changes in a short time are fetched together", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const conversation = shared([row("r1")]);
  for (let change = 0; change < 5; change += 1) conversation.refreshSoon(() => 0.5);
  assert.deepEqual(asked, []);
  context.mock.timers.tick(500);
  assert.deepEqual(asked, [PATH]);
});
