import assert from "node:assert/strict";
import { test } from "node:test";

import { delayBefore, Socket } from "../../../chat/static/chat/server/socket.js";

test("the wait before a reconnect doubles, and stays under ten seconds", () => {
  const longest = (/** @type {number} */ attempt) => delayBefore(attempt, () => 1);
  assert.equal(longest(1), 2 * longest(0));
  assert.equal(longest(50), 10_000);
  assert.equal(
    delayBefore(5, () => 0),
    0,
  );
});

/** A connection of the browser, as far as the page uses it. */
class Connection {
  static OPEN = 1;
  /** @type {Connection | null} */ static last = null;
  readyState = 1;
  /** @type {string[]} */ sent = [];
  /** @type {(() => void) | null} */ onopen = null;

  constructor() {
    Connection.last = this;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(text);
  }
}

test("nothing counts as sent once the server has begun to close the connection", () => {
  Object.assign(globalThis, {
    WebSocket: Connection,
    addEventListener() {},
    document: { addEventListener() {} },
    location: { href: "https://localhost/" },
  });
  const socket = new Socket("/ws/", { onEvent() {}, onOpen() {}, onClose() {}, onState() {} });
  socket.connect();
  const connection = Connection.last;
  assert.ok(connection);
  connection.onopen?.();
  assert.ok(socket.send({ type: "tailrace:cancel", response_id: "r1" }));
  connection.readyState = 2;
  assert.ok(!socket.send({ type: "tailrace:cancel", response_id: "r1" }));
  assert.equal(connection.sent.length, 1);
});
