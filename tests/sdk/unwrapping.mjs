/** Verify requests of webhooks with OpenAI's SDK for Node: requests on the standard input, events on the output. */

import { text } from "node:stream/consumers";
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "none" });
const { secret, requests } = JSON.parse(await text(process.stdin));
const events = requests.map((/** @type {any} */ request) =>
  client.webhooks.unwrap(request.content, request.headers, secret),
);
console.log(JSON.stringify(await Promise.all(events)));
