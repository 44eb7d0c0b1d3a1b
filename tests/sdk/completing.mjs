/** Ask for chat completions with OpenAI's SDK for Node, in each way. Prints the results as JSON. */

import OpenAI from "openai";

const [baseURL, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const { completions } = client.chat;

/** @param {string} content @returns {any} */
const asked = (content) => ({ model, messages: [{ role: "user", content }] });

/** @param {string} content @returns {import("openai/resources").ChatCompletionCreateParamsStreaming} */
const streaming = (content) => ({ ...asked(content), stream: true });

/** @param {Promise<unknown>} request */
const code = (request) =>
  request.then(
    () => null,
    (error) => error.code,
  );

const whole = await completions.create({ ...asked("[words-8] once"), store: true });
const retrieved = await completions.retrieve(whole.id);
await completions.delete(whole.id);

let raw = "";
const stream = await completions.create(streaming("[words-8] raw"));
for await (const chunk of stream) raw += chunk.choices[0]?.delta.content ?? "";

const helper = completions.stream({ ...asked("[words-8] helper"), stream_options: { include_usage: true } });
const helped = await helper.finalChatCompletion();

const parameters = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
const tool = {
  type: "function",
  function: {
    name: "depth",
    description: "The depth of a lake.",
    parameters,
    parse: JSON.parse,
    function: (/** @type {{title: string}} */ { title }) => `${title}: 309 m`,
  },
};
const runner = completions.runTools({ ...asked("[tool-depth+words-4] How deep?"), tools: [tool] });

const result = {
  whole: whole.choices[0].message.content,
  same: JSON.stringify(whole) === JSON.stringify(retrieved),
  deleted: await code(completions.retrieve(whole.id)),
  raw,
  helped: helped.choices[0].message.content,
  tokens: helped.usage?.completion_tokens,
  ran: await runner.finalContent(),
  results: runner.messages.filter(({ role }) => role === "tool").map(({ content }) => content),
  refused: await code(completions.create({ ...asked("a"), n: 2 })),
  failed: await code(completions.create(streaming("[status-400] fails"))),
};
process.stdout.write(JSON.stringify(result));
