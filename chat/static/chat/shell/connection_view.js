/**
 * The line that shows the state of the connection.
 *
 * in:  the socket's state and the time of its next attempt
 * out: text and `data-state` on #connection; `retryNow()` when the reader does not want to wait
 */

import { set } from "../dom/elements.js";
import { connectionText } from "../turns/status_text.js";

export class ConnectionView {
  #element;
  #text;
  #retry;
  #signIn;

  constructor(element, { retryNow }) {
    this.#element = element;
    this.#text = element.querySelector(".words");
    this.#retry = element.querySelector("button");
    this.#signIn = element.querySelector("a");
    this.#retry.addEventListener("click", retryNow);
  }

  /** `kept`: a message waits for the connection. */
  render({ state, retryAt }, kept) {
    set(this.#text, "textContent", connectionText(state, retryAt && retryAt - Date.now(), kept));
    this.#element.dataset.state = state;
    this.#retry.hidden = retryAt === null;
    this.#signIn.hidden = state !== "signed-out";
    this.#signIn.search = new URLSearchParams({ next: location.pathname });
  }
}
