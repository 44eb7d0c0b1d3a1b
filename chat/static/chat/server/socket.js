/**
 * One WebSocket that reconnects: after a loss, a sleep, or a change of the network.
 *
 * in:  commands of turn.js and kept_messages.js; `online`, `offline` and visibility of the browser; the clock
 * out: `onEvent(event)`, `onOpen()`, `onClose(code)`, `onState(state, before)`
 *
 * The states: connecting, open, reconnecting, offline, signed-out.
 */

import { CLOSE_SIGNED_OUT } from "./protocol.js";

const FIRST_DELAY_MS = 1_000; // the bound of the first wait, doubled by each failure. Less, and a deploy is a reconnect storm
const LONGEST_DELAY_MS = 10_000; // a recovered server is found within this time
const CONNECT_MS = 10_000; // a handshake without an answer is aborted
const SLEPT_MS = 120_000; // a clock jump of this size means sleep: timers of hidden pages fire once a minute
const STEADY_MS = 5_000; // a shorter life counts as a failure: no tight loop with a server that closes at once

/** Exponential back-off with full jitter: anywhere between 0 and the bound, so that clients do not reconnect together. */
export function delayBefore(attempt, random = Math.random) {
  return random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

export class Socket {
  state = "connecting";
  retryAt = null; // ms; when the next attempt starts, while waiting for it
  openedAt = null; // ms; null while not open
  #url;
  #on;
  #socket = null;
  #attempt = 0;
  #timer = null;
  #tickedAt = Date.now();

  constructor(path, on) {
    this.#url = new URL(path, location.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#on = on;
    addEventListener("online", () => this.retryNow());
    // advisory: a server on this machine is reachable without a network, so the next attempt decides
    addEventListener("offline", () => (this.retryAt === null ? this.restart() : this.#setState(this.#disconnectedState())));
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  connect() {
    clearTimeout(this.#timer);
    this.retryAt = null;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#on.onEvent(JSON.parse(data));
    socket.onclose = ({ code }) => this.#closed(code);
    this.#timer = setTimeout(() => this.restart(), CONNECT_MS);
    this.#setState(this.state === "connecting" ? "connecting" : this.#disconnectedState());
  }

  /** Returns whether the command was sent; nothing is queued. */
  send(command) {
    if (this.state !== "open") return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  /** Skip the wait for the next attempt. */
  retryNow() {
    if (this.retryAt !== null) this.connect();
  }

  /** Drop this socket without waiting for its close handshake, and connect again. */
  restart() {
    if (this.state === "signed-out" || this.retryAt !== null) return;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed();
  }

  /** Call every second. A socket that died during a sleep never reports it, so reconnect after one. */
  tick(now = Date.now()) {
    const slept = now - this.#tickedAt >= SLEPT_MS;
    this.#tickedAt = now;
    if (slept && this.retryAt === null) this.restart();
    else if (slept) this.connect();
  }

  #opened() {
    clearTimeout(this.#timer);
    this.openedAt = Date.now();
    this.#setState("open");
    this.#on.onOpen();
  }

  #closed(code) {
    clearTimeout(this.#timer);
    const steady = this.openedAt !== null && Date.now() - this.openedAt >= STEADY_MS;
    this.#attempt = steady ? 0 : this.#attempt + 1;
    this.openedAt = null;
    this.#on.onClose(code);
    if (code === CLOSE_SIGNED_OUT) return this.#setState("signed-out");
    const delay = delayBefore(this.#attempt);
    this.retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#setState(this.#disconnectedState());
  }

  #disconnectedState() {
    return navigator.onLine ? "reconnecting" : "offline";
  }

  #setState(state) {
    const before = this.state;
    this.state = state;
    this.#on.onState(state, before);
  }
}
