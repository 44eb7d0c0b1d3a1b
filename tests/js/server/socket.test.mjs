import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../chat/static/chat/server/api_client.js";
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
  /** @type {((event: { code: number }) => void) | null} */ onclose = null;

  /** @param {URL} url */
  constructor(url) {
    this.path = url.pathname;
    Connection.last = this;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(text);
  }
}

Object.assign(globalThis, {
  WebSocket: Connection,
  addEventListener() {},
  document: { addEventListener() {} },
  location: { href: "https://localhost/" },
  setTimeout: () => 0, // no test waits
});
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });

const CALLBACKS = { onEvent() {}, onOpen() {}, onClose() {}, onState() {}, admit: () => assert.fail("it has a path") };

/** An open socket, its connection and the states it reports. */
function opened() {
  /** @type {string[]} */ const states = [];
  const socket = new Socket("/ws/", { ...CALLBACKS, onState: (state) => states.push(state) });
  socket.connect();
  const connection = Connection.last;
  assert.ok(connection);
  connection.onopen?.();
  return { socket, connection, states };
}

test("a socket that its server moves reconnects within three seconds, and nothing is reported", () => {
  const { socket, connection, states } = opened();
  connection.onclose?.({ code: 1012 });
  assert.deepEqual(states, ["connecting", "open", "connecting"]);
  assert.ok(socket.retryAt !== null && socket.retryAt - Date.now() <= 3_000);
  socket.connect();
  assert.equal(socket.state, "connecting");
  Connection.last?.onclose?.({ code: 1006 });
  assert.equal(socket.state, "reconnecting");
});

test("after too many sockets it connects again only when a person wants it", () => {
  const { socket, connection } = opened();
  connection.onclose?.({ code: 4429 });
  assert.equal(socket.state, "too-many");
  assert.equal(socket.retryAt, null);
  socket.tick(Date.now() + 1e9);
  assert.equal(Connection.last, connection);
  socket.retryNow();
  assert.notEqual(Connection.last, connection);
  Connection.last?.onopen?.();
  assert.equal(socket.state, "open");
});

test("nothing counts as sent once the server has begun to close the connection", () => {
  const { socket, connection } = opened();
  assert.ok(socket.send({ type: "tailrace:cancel", response_id: "r1" }));
  connection.readyState = 2;
  assert.ok(!socket.send({ type: "tailrace:cancel", response_id: "r1" }));
  assert.equal(connection.sent.length, 1);
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The path of the last connection, which opens. */
function openedPath() {
  Connection.last?.onopen?.();
  return Connection.last?.path;
}

test("without a path the first command makes a guest, once, and the socket opens", async () => {
  const paths = ["/ws/guest/"];
  const admit = async () => paths.pop() ?? assert.fail();
  const socket = new Socket(null, { ...CALLBACKS, admit });
  assert.equal(socket.state, "idle");
  assert.ok(!socket.send({ type: "tailrace:cancel", response_id: "r1" }));
  assert.ok(!socket.send({ type: "tailrace:cancel", response_id: "r2" }));
  assert.equal(socket.state, "connecting");
  await settled();
  assert.equal(openedPath(), "/ws/guest/");
  assert.equal(socket.state, "open");
});

test("a visitor that may not become a guest is signed out, and asks again after any other failure", async () => {
  const refused = new Socket(null, { ...CALLBACKS, admit: async () => Promise.reject(new ApiError(401)) });
  refused.connect();
  const replies = [() => Promise.reject(new ApiError(0)), async () => "/ws/later/"];
  const failed = new Socket(null, { ...CALLBACKS, admit: () => replies.shift()?.() ?? assert.fail() });
  failed.connect();
  await settled();
  assert.deepEqual([refused.state, refused.retryAt], ["signed-out", null]);
  assert.equal(failed.state, "reconnecting");
  failed.retryNow();
  await settled();
  assert.equal(openedPath(), "/ws/later/");
});
