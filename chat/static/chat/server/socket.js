/**
 * One WebSocket that comes back: connects, says which state it is in, and tries again after a loss.
 *
 * in:  commands from conversation.js; `online`, `offline` and visibility of the browser; the clock
 * out: `onEvent(event)`, `onOpen()`, `onClose(code)`, `onState(state, before)`
 *
 * The states: connecting, open, reconnecting, offline, signed-out.
 */

import { CLOSE_SIGNED_OUT } from "./protocol.js";

const FIRST_DELAY_MS = 1_000; // the bound of the first wait; it doubles with each failure. Less, and a deploy is a storm
const LONGEST_DELAY_MS = 10_000; // a server that is back is found within this time
const CONNECT_MS = 10_000; // a handshake without an answer is given up
const SLEPT_MS = 120_000; // a clock that jumped so far: the machine slept. Timers of hidden pages come once a minute
const STEADY_MS = 5_000; // a socket that lived less counts as a failure: no tight loop with a server that hangs up

/** Exponential back-off with full jitter: anywhere between 0 and the bound, so that a crowd does not return at once. */
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
    // a hint only: a server on this machine can be reached without a network, so the next attempt decides
    addEventListener("offline", () => (this.retryAt === null ? this.restart() : this.#become(this.#away())));
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
    this.#become(this.state === "connecting" ? "connecting" : this.#away());
  }

  /** Returns whether the command has left; nothing is kept for later. */
  send(command) {
    if (this.state !== "open") return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  /** Skip the wait for the next attempt. */
  retryNow() {
    if (this.retryAt !== null) this.connect();
  }

  /** Give this socket up, without waiting for its close handshake, and start another. */
  restart() {
    if (this.state === "signed-out" || this.retryAt !== null) return;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed();
  }

  /** Call it every second. After a sleep the socket may be dead without knowing: nobody could tell this machine. */
  tick(now = Date.now()) {
    const slept = now - this.#tickedAt >= SLEPT_MS;
    this.#tickedAt = now;
    if (slept && this.retryAt === null) this.restart();
    else if (slept) this.connect();
  }

  #opened() {
    clearTimeout(this.#timer);
    this.openedAt = Date.now();
    this.#become("open");
    this.#on.onOpen();
  }

  #closed(code) {
    clearTimeout(this.#timer);
    const steady = this.openedAt !== null && Date.now() - this.openedAt >= STEADY_MS;
    this.#attempt = steady ? 0 : this.#attempt + 1;
    this.openedAt = null;
    this.#on.onClose(code);
    if (code === CLOSE_SIGNED_OUT) return this.#become("signed-out");
    const delay = delayBefore(this.#attempt);
    this.retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#become(this.#away());
  }

  #away() {
    return navigator.onLine ? "reconnecting" : "offline";
  }

  #become(state) {
    const before = this.state;
    this.state = state;
    this.#on.onState(state, before);
  }
}
