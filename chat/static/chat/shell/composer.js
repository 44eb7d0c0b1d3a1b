/** The form for a message. */

import { find, fitHeight, set } from "../dom/elements.js";
import { QUEUE, SEND } from "../sentences/queue.js";

const NEAR_THE_LIMIT = 0.9; // the length is shown from this share on

const number = new Intl.NumberFormat("en");

/** Code points, as the server counts, not UTF-16 units. @param {string} text */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Empty far from the limit. @param {number} length @param {number} limit */
export function lengthText(length, limit) {
  if (length > limit) return `${number.format(length - limit)} characters too many`;
  if (length >= limit * NEAR_THE_LIMIT) return `${number.format(length)} of ${number.format(limit)} characters`;
  return "";
}

/**
 * Whether this key sends. On a touch screen Enter begins a line: there is no Shift.
 * @param {Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing">} event
 * @param {boolean} touch
 */
export function sends({ key, shiftKey, isComposing }, touch) {
  return key === "Enter" && !shiftKey && !isComposing && !touch;
}

/** @param {KeyboardEvent} event */
const isModified = ({ ctrlKey, metaKey, altKey, shiftKey }) => ctrlKey || metaKey || altKey || shiftKey;

export class Composer {
  #touch = matchMedia("(pointer: coarse)");
  #fine = matchMedia("(pointer: fine)");
  #box;
  #count;
  #send;
  #sendLabel;
  #stop;
  #limit;
  #on;
  /** @type {AttachmentState} */ #attached = "none";
  #running = false;
  #signedOut = false;

  /** @param {HTMLFormElement} form @param {ComposerOptions} options */
  constructor(form, { limit, on }) {
    this.#box = find("textarea", HTMLTextAreaElement, form);
    this.#count = find("#count", HTMLElement, form);
    this.#send = find("#send", HTMLButtonElement, form);
    this.#sendLabel = find("span", HTMLElement, this.#send);
    this.#stop = find("#stop", HTMLButtonElement, form);
    this.#limit = limit;
    this.#on = on;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#stop.addEventListener("click", () => this.#stopAnswer());
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => this.#press(event));
    this.#measure();
  }

  get text() {
    return this.#box.value;
  }

  set text(value) {
    this.#box.value = value;
    this.#changed();
  }

  /** @param {boolean} running */
  set running(running) {
    this.#running = running;
    this.#stop.hidden = !running;
    set(this.#sendLabel, "textContent", running ? QUEUE : SEND);
  }

  /** Files need no text; while they wait, nothing is sent. @param {AttachmentState} state */
  set attached(state) {
    this.#attached = state;
    this.#measure();
  }

  /** The text stays but cannot be sent. @param {boolean} signedOut */
  set signedOut(signedOut) {
    this.#signedOut = signedOut;
    this.#measure();
  }

  /** Send this text, unless nothing can be sent: then it stays in the box. @param {string} text */
  send(text) {
    this.text = text;
    this.focus();
    this.#submit();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** Focus unless that may open an on-screen keyboard. */
  focusUnlessTouch() {
    if (this.#fine.matches) this.focus();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing) return; // the key of an input method
    if (sends(event, this.#touch.matches)) {
      event.preventDefault();
      this.#submit();
    }
    const isEmpty = !this.text && this.#attached === "none";
    if (event.key === "ArrowUp" && !isModified(event) && isEmpty && this.#on.editLast()) event.preventDefault();
    if (event.key === "Escape" && this.#running) this.#stopAnswer();
  }

  #submit() {
    if (this.#send.disabled) return;
    const input = this.text;
    this.text = "";
    this.focus();
    this.#on.ask(input);
  }

  #stopAnswer() {
    this.focus();
    this.#on.stop();
  }

  #changed() {
    this.#measure();
    this.#on.changed();
  }

  #measure() {
    const length = lengthOf(this.text);
    set(this.#count, "textContent", lengthText(length, this.#limit));
    this.#count.dataset.over = String(length > this.#limit);
    const isEmpty = !this.text.trim() && this.#attached !== "ready";
    this.#send.disabled = this.#signedOut || length > this.#limit || isEmpty || this.#attached === "waiting";
    fitHeight(this.#box);
  }
}
