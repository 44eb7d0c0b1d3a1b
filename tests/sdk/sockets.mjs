/** Ask over a socket with OpenAI's SDK for Node: two lanes at once, then a refusal. Prints the texts as JSON. */

import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const [baseURL, apiKey, model] = process.argv.slice(2);
const socket = new ResponsesWS(new OpenAI({ baseURL, apiKey }));
/** @type {Record<string, string>} */
const found = {};

/** @param {string} stream_id @param {string} input @param {string} name */
function ask(stream_id, input, name = model) {
  socket.send(/** @type {any} */ ({ type: "response.create", model: name, input, stream_id }));
}

socket.on("event", (/** @type {any} */ event) => {
  if (event.type === "response.completed") found[event.stream_id] = event.response.output[0].content[0].text;
  if (Object.keys(found).length === 2 && !event.error && event.type === "response.completed") ask("c", "?", "none");
});
socket.on("error", (/** @type {any} */ error) => {
  found.refused = error.error?.error?.code ?? String(error);
  socket.close();
  process.stdout.write(JSON.stringify(found));
});
ask("a", "[echo] Two");
ask("b", "[echo] metres.");
