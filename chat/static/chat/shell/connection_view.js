/** The line that shows the state of the connection. */

import { find, set } from "../dom/elements.js";
import { connectionText } from "../turns/status_text.js";

export class ConnectionView {
  #element;
  #text;
  #retry;
  #signIn;

  /** @param {HTMLElement} element @param {{ retryNow: () => void }} callbacks */
  constructor(element, { retryNow }) {
    this.#element = element;
    this.#text = find(".words", HTMLElement, element);
    this.#retry = find("button", HTMLButtonElement, element);
    this.#signIn = find("a", HTMLAnchorElement, element);
    this.#retry.addEventListener("click", retryNow);
  }

  /** `kept`: a message waits. @param {Pick<Socket, "state" | "retryAt">} socket @param {boolean} kept */
  render({ state, retryAt }, kept) {
    set(this.#text, "textContent", connectionText(state, retryAt && retryAt - Date.now(), kept));
    this.#element.dataset.state = state;
    this.#retry.hidden = (retryAt === null && state !== "too-many") || state === "connecting";
    this.#signIn.hidden = state !== "signed-out";
    this.#signIn.search = String(new URLSearchParams({ next: location.pathname }));
  }
}
