import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiClient } from "../../../chat/static/chat/server/api_client.js";

const document = { cookie: "", querySelector: () => ({ getAttribute: () => "csrf" }) };
Object.assign(globalThis, { document });

const PATHS = {
  conversation_path: "/conversations/{id}/",
  file_path: "/files/{id}/",
  preferences_path: "/preferences/",
  guest_path: "/guest/",
};

test("callers at the same time share one request for a guest, later ones have their own", async () => {
  /** @type {((reply: Response) => void)[]} */ const replies = [];
  globalThis.fetch = () => new Promise((resolve) => replies.push(resolve));
  const api = new ApiClient(PATHS, false);
  const [first, second] = [api.admit(), api.admit()];
  assert.equal(replies.length, 1);
  replies[0](Response.json({ owner: "1", socket_path: "/ws/" }));
  assert.deepEqual(await first, await second);
  const third = api.admit();
  assert.equal(replies.length, 2);
  replies[1](Response.json({ owner: "1", socket_path: "/ws/" }));
  await third;
});

test("after a failure the next caller tries again", async () => {
  let requests = 0;
  globalThis.fetch = () => {
    requests += 1;
    return Promise.resolve(new Response(null, { status: 503 }));
  };
  const api = new ApiClient(PATHS, false);
  for (const _ of [1, 2]) await assert.rejects(api.admit(), { status: 503 });
  assert.equal(requests, 2);
});
