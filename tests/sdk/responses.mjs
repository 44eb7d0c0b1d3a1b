/** Create, read, resume, cancel and delete responses, and files, with OpenAI's SDK for Node. Prints a line for each scenario. */

import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import { recordingFetch } from "./recording.mjs";

const [baseURL, apiKey, control] = process.argv.slice(2);
const model = "scripted";
/** @type {any} */
const tool = {
  type: "function",
  name: "depth",
  parameters: {
    type: "object",
    properties: { title: { type: "string" } },
    required: ["title"],
    additionalProperties: false,
  },
  strict: true,
};
/** @type {any} */
const lake = {
  type: "json_schema",
  name: "lake",
  strict: true,
  schema: { type: "object", properties: { depth: { type: "number" } }, required: ["depth"], additionalProperties: false },
};

/** @param {AsyncIterable<any>} stream */
async function eventsOf(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** @param {any[]} events */
const textOf = (events) =>
  events
    .filter((event) => event.type === "response.output_text.delta")
    .map((event) => event.delta)
    .join("");

/** @param {number} count */
const words = (count) => Array.from({ length: count }, (_, number) => `w${number}`).join(" ");

/** Let the upstream send the rest of an answer. @param {string} prompt */
async function release(prompt) {
  const reply = await fetch(`${control}/releases?prompt=${encodeURIComponent(prompt)}`, { method: "POST" });
  assert.equal(reply.status, 200);
}

/** @type {Record<string, (client: OpenAI) => Promise<void>>} */
const scenarios = {
  async "an answer as one reply"(client) {
    const response = await client.responses.create({ model, input: "[words-8] once", metadata: { lake: "Geneva" } });
    assert.equal(response.output_text, words(8));
    assert.deepEqual(await client.responses.retrieve(response.id), response);
  },

  async "a stream, and again from some numbers"(client) {
    const events = await eventsOf(await client.responses.create({ model, input: "[words-6] a stream", stream: true }));
    const { id } = events[0].response;
    assert.equal(textOf(events), words(6));
    for (const number of [0, 4, events.length - 2, events.length - 1]) {
      const rest = await client.responses.retrieve(id, { stream: true, starting_after: number });
      assert.deepEqual(await eventsOf(rest), events.slice(number + 1));
    }
    assert.deepEqual(await eventsOf(await client.responses.retrieve(id, { stream: true })), events);
  },

  async "a background answer is left, and followed by the helper"(client) {
    const input = `[hold-after-3+words-9] left in Node, ${baseURL}`;
    const stream = await client.responses.create({ model, input, background: true, stream: true });
    let created;
    for await (const event of stream) {
      if (event.type === "response.created") created = event.response.id;
      if (event.type === "response.output_text.delta") break;
    }
    assert(created);
    const helped = client.responses.stream({ response_id: created, starting_after: 3 });
    const reading = eventsOf(helped); // from its first event: the helper keeps none
    await release(input);
    const numbers = (await reading).map((event) => event.sequence_number);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((one, other) => one - other),
    );
    assert.equal((await helped.finalResponse()).output_text, words(9));
  },

  async "an answer is cancelled from elsewhere"(client) {
    const input = `[stall-after-3] cancelled in Node, ${baseURL}`;
    const types = [];
    for await (const event of await client.responses.create({ model, input, stream: true })) {
      types.push(event.type);
      if (event.type === "response.created") await client.responses.cancel(event.response.id);
      if (event.type === "response.incomplete") assert.equal(event.response.status, "cancelled");
    }
    assert.equal(types.at(-1), "response.incomplete");
  },

  async "a deleted answer is gone"(client) {
    const { id } = await client.responses.create({ model, input: "[fast] deleted" });
    await client.responses.delete(id);
    await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
  },

  async "the input is listed"(client) {
    /** @type {any[]} */
    const input = ["one", "two", "three"].map((content) => ({ role: "user", content }));
    const { id } = await client.responses.create({ model, input });
    const found = [];
    for await (const item of client.responses.inputItems.list(id, { limit: 2, order: "asc" })) {
      found.push(/** @type {any} */ (item).content[0].text);
    }
    assert.deepEqual(found, ["one", "two", "three"]);
  },

  async "a loop of calls"(client) {
    const input = `[tool-depth+words-4] How deep in Node, ${baseURL}?`;
    const called = await client.responses.create({ model, input, tools: [tool] });
    const [call] = called.output;
    assert(call.type === "function_call");
    const output = await client.responses.create({
      model,
      input: [{ type: "function_call_output", call_id: call.call_id, output: "309 m" }],
      previous_response_id: called.id,
      tools: [tool],
    });
    assert.equal(output.output_text, words(4));
  },

  async "an answer is parsed"(client) {
    const parsed = await client.responses.parse({ model, input: "Which lake?", text: { format: lake } });
    assert.deepEqual(parsed.output_parsed, { depth: 1.5 });
  },

  async "refusals and failures are errors"(client) {
    /** @type {any} */
    const unknown = { model, input: "a", what: 1 };
    await assert.rejects(client.responses.create(unknown), { status: 400, code: "unknown_parameter", param: "what" });
    await assert.rejects(client.responses.create({ model: "none", input: "a" }), OpenAI.NotFoundError);
    const limited = client.responses.create({ model, input: "[retry-after-ms-1] limited" });
    await assert.rejects(limited, OpenAI.RateLimitError);
    const stranger = client.withOptions({ apiKey: "tr_wrong" });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },

  async "the catalog is the list of models"(client) {
    const found = [];
    for await (const each of client.models.list()) found.push(each.id);
    assert(found.includes(model));
    assert.equal((await client.models.retrieve(model)).object, "model");
  },

  async "a file is uploaded, listed, read and deleted"(client) {
    const text = `Lac Léman: 310 m, ${baseURL}`;
    const file = await client.files.create({ file: await toFile(Buffer.from(text), "lac.txt"), purpose: "user_data" });
    assert.deepEqual((await client.files.list({ limit: 1 })).data, [file]);
    assert.deepEqual(await client.files.retrieve(file.id), file);
    assert.equal(await (await client.files.content(file.id)).text(), text);
    assert.equal((await client.files.delete(file.id)).deleted, true);
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
  },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  /** @type {import("./recording.mjs").Reply[]} */
  const replies = [];
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch: recordingFetch(replies) });
  let error = "";
  try {
    await scenario(client);
  } catch (reason) {
    error = reason instanceof Error ? `${reason.stack}` : String(reason);
  }
  console.log(JSON.stringify({ name, error, replies }));
}
