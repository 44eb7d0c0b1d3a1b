/** The messages below the turns that wait for the end of an answer. */

import { button, element, find, set } from "../dom/elements.js";
import { CANCEL, EDIT, SEND } from "../sentences/buttons.js";
import { IN_TURN, NEXT, WAITS } from "../sentences/composer.js";
import { InputEditor } from "./input_editor.js";
import { sentFiles } from "./sent_files.js";

export class QueuedView {
  #section;
  #list;
  /** @type {Map<string, QueuedRow>} */ #rows = new Map(); // by request id
  #on;

  /** @param {HTMLElement} section @param {QueuedCallbacks} on */
  constructor(section, on) {
    this.#section = section;
    this.#list = find("ol", HTMLElement, section);
    this.#on = on;
  }

  /** `waits`: the first one waits for the reader. @param {QueuedMessage[]} messages @param {boolean} waits */
  render(messages, waits) {
    set(this.#section, "hidden", !messages.length);
    const ids = new Set(messages.map(({ requestId }) => requestId));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    messages.forEach((message, index) => {
      const row = this.#rows.get(message.requestId) ?? new QueuedRow(message, this.#on);
      this.#rows.set(message.requestId, row);
      if (!row.element.isConnected) this.#list.append(row.element);
      row.render(message, { isFirst: index === 0, waits });
    });
  }
}

class QueuedRow {
  element = element("li", "queued-message");
  #input = element("p", "input");
  #state = element("p", "queued-state");
  #tools = element("div", "tools-of-turn");
  #send;
  #edit;
  #message;
  #on;

  /** @param {QueuedMessage} message @param {QueuedCallbacks} on */
  constructor(message, on) {
    this.#message = message;
    this.#on = on;
    this.#input.dir = "auto";
    this.#send = button("send-now quiet", SEND, () => on.send(message.requestId));
    this.#edit = button("edit quiet", EDIT, () => this.#open());
    this.#tools.append(
      this.#send,
      this.#edit,
      button("cancel quiet", CANCEL, () => on.cancel(this.#message)),
    );
    this.element.append(sentFiles(message.attachments ?? [], on.fileUrl), this.#input, this.#state, this.#tools);
  }

  /** @param {QueuedMessage} message @param {{ isFirst: boolean, waits: boolean }} place */
  render(message, { isFirst, waits }) {
    this.#message = message;
    set(this.#input, "textContent", message.input);
    const state = waits ? WAITS : NEXT;
    set(this.#state, "textContent", isFirst ? state : IN_TURN);
    set(this.#send, "hidden", !isFirst || !waits);
  }

  /** It is not sent while it is edited. */
  #open() {
    const { requestId, input, attachments = [] } = this.#message;
    this.#on.change(requestId, { held: true });
    const close = (/** @type {Partial<QueuedMessage>} */ changes) => {
      editor.element.remove();
      this.#input.hidden = this.#state.hidden = this.#tools.hidden = false;
      this.#on.change(requestId, { ...changes, held: false });
      this.#edit.focus();
    };
    const editor = new InputEditor(
      { input, attachments },
      { send: (text) => close({ input: text }), cancel: () => close({}) },
    );
    this.#input.hidden = this.#state.hidden = this.#tools.hidden = true;
    this.element.append(editor.element);
    editor.begin();
  }
}
