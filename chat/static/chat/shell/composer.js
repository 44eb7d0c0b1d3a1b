/** The form for a message. */

import { messageOf, PastedTexts } from "../attachments/pasted_texts.js";
import { find, fitHeight, set } from "../dom/elements.js";
import { isKeyboardShown, isOfInputMethod, sends } from "../dom/keys.js";
import { QUEUE, SEND } from "../sentences/buttons.js";
import { measured } from "./message_length.js";
import { coveredPx } from "./viewport.js";

/** Whether an on-screen keyboard covers a part of the page. */
function keyboardShown() {
  const { visualViewport } = window;
  const height = document.documentElement.clientHeight;
  return visualViewport !== null && isKeyboardShown(coveredPx(height, visualViewport), height);
}

/** @param {KeyboardEvent} event */
const isModified = ({ ctrlKey, metaKey, altKey, shiftKey }) => ctrlKey || metaKey || altKey || shiftKey;

export class Composer {
  #touch = matchMedia("(pointer: coarse)");
  #fine = matchMedia("(pointer: fine)");
  #box;
  #pasted;
  #count;
  #send;
  #sendLabel;
  #stop;
  #limits;
  #on;
  /** @type {AttachmentState} */ #attached = "none";
  #running = false;
  #signedOut = false;

  /** @param {HTMLFormElement} form @param {ComposerOptions} options */
  constructor(form, { limits, on }) {
    this.#box = find("textarea", HTMLTextAreaElement, form);
    this.#pasted = new PastedTexts(find("#pasted", HTMLElement, form), {
      changed: () => this.#changed(),
      edit: (text) => {
        this.#write(messageOf(this.text, [text]));
        this.focus();
      },
      removed: () => this.focus(),
    });
    this.#count = find("#count", HTMLElement, form);
    this.#send = find("#send", HTMLButtonElement, form);
    this.#sendLabel = find("span", HTMLElement, this.#send);
    this.#stop = find("#stop", HTMLButtonElement, form);
    this.#limits = limits;
    this.#on = on;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#stop.addEventListener("click", () => this.#stopAnswer());
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("paste", (event) => this.#pasted.take(event));
    this.#box.addEventListener("keydown", (event) => this.#press(event));
    this.#measure();
  }

  /** In the box. */
  get text() {
    return this.#box.value;
  }

  /** Long ones, beside the box. */
  get pasted() {
    return this.#pasted.texts;
  }

  /** All of it, as it is sent. */
  get message() {
    return messageOf(this.text, this.pasted);
  }

  /** @param {string} text @param {string[]} [pasted] */
  set(text, pasted = []) {
    this.#pasted.texts = pasted;
    this.#write(text);
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
    this.set(text);
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
    if (isOfInputMethod(event)) return;
    if (sends(event, { touch: this.#touch.matches, keyboardShown: keyboardShown() })) {
      event.preventDefault();
      this.#submit();
    }
    const isEmpty = !this.message && this.#attached === "none";
    if (event.key === "ArrowUp" && !isModified(event) && isEmpty && this.#on.editLast()) event.preventDefault();
    if (event.key === "Escape" && this.#running) this.#stopAnswer();
  }

  #submit() {
    if (this.#send.disabled) return;
    const input = this.message;
    this.set("");
    this.focus();
    this.#on.ask(input);
  }

  #stopAnswer() {
    this.focus();
    this.#on.stop();
  }

  /** @param {string} text */
  #write(text) {
    this.#box.value = text;
    this.#changed();
  }

  #changed() {
    this.#measure();
    this.#on.changed();
  }

  #measure() {
    const message = this.message;
    const { over, words } = measured(message, this.#limits());
    set(this.#count, "textContent", words);
    this.#count.dataset.over = String(over);
    const isEmpty = !message.trim() && this.#attached !== "ready";
    this.#send.disabled = this.#signedOut || over || isEmpty || this.#attached === "waiting";
    fitHeight(this.#box);
  }
}
