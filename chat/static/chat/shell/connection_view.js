/**
 * The line that says how the connection is.
 *
 * in:  the socket's state and the time of its next attempt
 * out: words and `data-state` on #connection; `retryNow()` when the reader does not want to wait
 */

import { connectionWords } from "../turns/status_text.js";

export class ConnectionView {
  #element;
  #words;
  #retry;
  #signIn;

  constructor(element, { retryNow }) {
    this.#element = element;
    this.#words = element.querySelector(".words");
    this.#retry = element.querySelector("button");
    this.#signIn = element.querySelector("a");
    this.#retry.addEventListener("click", retryNow);
  }

  /** `kept`: a message waits for the connection. */
  render({ state, retryAt }, kept) {
    const words = connectionWords(state, retryAt && retryAt - Date.now(), kept);
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#element.dataset.state = state;
    this.#retry.hidden = retryAt === null;
    this.#signIn.hidden = state !== "signed-out";
    this.#signIn.search = new URLSearchParams({ next: location.pathname });
  }
}
