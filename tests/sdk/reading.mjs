/** Read streams with OpenAI's SDK for Node: jobs on the standard input, a line of JSON for each reading. */

import { text } from "node:stream/consumers";
import OpenAI from "openai";

const TERMINAL = ["response.completed", "response.incomplete", "response.failed"];

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });

/** @param {any} item */
function contentOf(item) {
  if (item.type === "function_call") return item.arguments;
  if (item.type !== "message" && item.type !== "reasoning") return ""; // of a tool of the model's server
  return item.content.map((/** @type {any} */ part) => part.refusal ?? part.text).join("");
}

/** @param {any} reading @param {any} event */
function take(reading, event) {
  reading.types.push(event.type);
  reading.numbers.push(event.sequence_number);
  if (event.type === "response.output_item.added") reading.opened.push(event.item.id);
  else if (event.type === "response.output_item.done") reading.done.push(event.item.id);
  else if (event.type.endsWith(".delta")) {
    reading.deltas[event.item_id] = (reading.deltas[event.item_id] ?? "") + event.delta;
  } else if (TERMINAL.includes(event.type)) end(reading, event.response);
  else if (event.type === "error") reading.error = event.code;
}

/** @param {any} reading @param {any} response */
function end(reading, response) {
  reading.status = response.status;
  reading.output = response.output.map((/** @type {any} */ item) => [item.type, item.id, contentOf(item)]);
}

/** @param {any} reading @param {any} job */
async function readRaw(reading, job) {
  const stream =
    job.starting_after === null
      ? await client.responses.create({ model: job.name, input: "?", stream: true })
      : await client.responses.retrieve(job.name, { stream: true, starting_after: job.starting_after });
  for await (const event of stream) take(reading, event);
}

/** @param {any} reading @param {any} job */
async function readByHelper(reading, job) {
  const stream =
    job.starting_after === null
      ? client.responses.stream({ model: job.name, input: "?" })
      : client.responses.stream({ response_id: job.name, starting_after: job.starting_after });
  for (const type of ["response.output_text.delta", "response.function_call_arguments.delta"]) {
    stream.on(/** @type {any} */ (type), (/** @type {any} */ event) => {
      reading.snapshots[event.item_id] = event.snapshot;
    });
  }
  for await (const event of stream) take(reading, event);
  end(reading, await stream.finalResponse());
}

for (const job of JSON.parse(await text(process.stdin))) {
  const reading = {
    types: [],
    numbers: [],
    opened: [],
    done: [],
    deltas: {},
    snapshots: {},
    status: null,
    output: [],
    error: null,
  };
  try {
    await (job.helper ? readByHelper : readRaw)(reading, job);
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    reading.error = code ?? message;
  }
  console.log(JSON.stringify(reading));
}
