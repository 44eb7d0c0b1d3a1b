/** One WebSocket that reconnects after a loss, a sleep or a network change. */

import { ifApiError } from "./api_client.js";
import { CLOSE_MOVING, CLOSE_NOT_SHARED, CLOSE_SIGNED_OUT, CLOSE_TOO_MANY } from "./protocol.js";

const FIRST_DELAY_MS = 1_000; // bound of the first wait, doubled by each failure; less makes a deploy a reconnect storm
const LONGEST_DELAY_MS = 10_000; // a recovered server is found within this time
const MOVING_MS = 1_000; // bound of the wait for a server's successor: sockets are closed one by one already
const CONNECT_MS = 10_000; // of a handshake
const SLEPT_MS = 120_000; // such a clock jump means sleep: timers of hidden pages fire once a minute
const UNAUTHENTICATED = 401;
const STEADY_MS = 5_000; // a shorter connection counts as a failure: a server may close at once

/** Exponential back-off with full jitter, in ms: clients must not reconnect together. @param {number} attempt */
export function delayBefore(attempt, random = Math.random) {
  return random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

export class Socket {
  /** @type {ConnectionState} */ state;
  /** @type {number | null} */ retryAt = null; // ms; start of the next attempt
  /** @type {number | null} */ openedAt = null; // ms; null while not open
  #unsent = 0; // bytes of a long message, at the last tick
  #sentAt = 0; // ms; the last tick at which some of it had left
  #path;
  #on;
  /** @type {WebSocket | null} */ #socket = null;
  #attempt = 0;
  /** @type {Timer} */ #timer;
  #tickedAt = Date.now();

  /** Without a path it is idle until the first command. @param {string | null} path @param {SocketCallbacks} on */
  constructor(path, on) {
    this.#path = path;
    this.state = path === null ? "idle" : "connecting";
    this.#on = on;
    addEventListener("online", () => this.retryNow());
    // a server on this machine needs no network: keep waiting for the next attempt
    addEventListener("offline", () => (this.retryAt === null ? this.restart() : this.#setState(this.#disconnectedState())));
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  connect() {
    clearTimeout(this.#timer);
    this.retryAt = null;
    if (this.#path === null) return this.#admit();
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#on.onEvent(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(code);
    this.#timer = setTimeout(() => this.restart(), CONNECT_MS);
    this.#setState(this.state === "connecting" ? "connecting" : this.#disconnectedState());
  }

  /** Become a guest, then connect. */
  async #admit() {
    this.#setState(this.state === "idle" ? "connecting" : this.#disconnectedState());
    const refused = (/** @type {ApiError} */ { status }) => {
      this.#closed(status === UNAUTHENTICATED ? CLOSE_SIGNED_OUT : undefined);
      return null;
    };
    this.#path = await this.#on.admit().catch(ifApiError(refused));
    if (this.#path !== null) this.connect();
  }

  /** @type {Send} */
  send(command) {
    if (this.state === "idle") this.connect();
    if (this.state !== "open" || this.#socket?.readyState !== WebSocket.OPEN) return false; // else it is being closed
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  retryNow() {
    if (this.retryAt !== null || this.state === "too-many") this.connect();
  }

  /** Drop this socket without a close handshake; connect again. */
  restart() {
    const socket = this.#socket;
    if (!socket || this.#isRefused() || this.retryAt !== null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed();
  }

  /** Call every second. A socket that died during a sleep never reports it. */
  tick(now = Date.now()) {
    const unsent = this.#socket?.bufferedAmount ?? 0;
    if (unsent < this.#unsent) this.#sentAt = now;
    this.#unsent = unsent;
    const slept = now - this.#tickedAt >= SLEPT_MS;
    this.#tickedAt = now;
    if (slept && this.retryAt === null) this.restart();
    else if (slept) this.connect();
  }

  /** Since when no event may have come, in ms: a long message is sent for a minute on a slow network. Null while not open. */
  get quietSince() {
    return this.openedAt === null ? null : Math.max(this.openedAt, this.#sentAt);
  }

  #opened() {
    clearTimeout(this.#timer);
    this.openedAt = Date.now();
    this.#setState("open");
    this.#on.onOpen();
  }

  /** @param {number} [code] */
  #closed(code) {
    clearTimeout(this.#timer);
    const steady = this.openedAt !== null && Date.now() - this.openedAt >= STEADY_MS;
    this.#attempt = steady ? 0 : this.#attempt + 1;
    this.openedAt = null;
    this.#on.onClose(code);
    if (code === CLOSE_SIGNED_OUT || code === CLOSE_NOT_SHARED) return this.#setState("signed-out");
    if (code === CLOSE_TOO_MANY) return this.#setState("too-many");
    const moving = code === CLOSE_MOVING;
    const delay = moving ? Math.random() * MOVING_MS : delayBefore(this.#attempt);
    this.retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#setState(moving ? "connecting" : this.#disconnectedState()); // no trouble: nothing is reported
  }

  /** Waits for a person, or for the page to be shown again. */
  #isRefused() {
    return this.state === "signed-out" || this.state === "too-many";
  }

  #disconnectedState() {
    return navigator.onLine ? "reconnecting" : "offline";
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    const before = this.state;
    this.state = state;
    this.#on.onState(state, before);
  }
}
