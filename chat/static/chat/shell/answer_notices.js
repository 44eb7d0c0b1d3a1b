/** Notifies of an answer that ends while the page is hidden: with its conversation's title, never with its text. */

import { ANSWER_READY, UNTITLED } from "../sentences/shell.js";

export class AnswerNotices {
  #button;
  #open;
  #isHidden;

  /**
   * The browser asks its reader when the button is pressed, never before.
   * @param {HTMLElement} button
   * @param {{ open: (id: string) => void, isHidden?: () => boolean }} options
   */
  constructor(button, { open, isHidden = () => document.hidden }) {
    this.#button = button;
    this.#open = open;
    this.#isHidden = isHidden;
    button.addEventListener("click", async () => {
      await Notification.requestPermission();
      this.#render();
    });
    this.#render();
  }

  /** A phone's browser has no notifications of pages, only those of workers. */
  #render() {
    const { userAgentData } = /** @type {any} */ (navigator);
    const isUndecided = "Notification" in globalThis && Notification.permission === "default";
    this.#button.hidden = !isUndecided || userAgentData?.mobile === true;
  }

  /** @param {Pick<Summary, "running"> | null} before @param {ConversationEvent["conversation"]} after */
  changed(before, after) {
    if (!before?.running || after.deleted || after.running || !this.#isHidden()) return;
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    const { id, title } = after;
    const notice = new Notification(title || UNTITLED, { body: ANSWER_READY, tag: id }); // one for all tabs
    notice.addEventListener("click", () => {
      notice.close();
      focus();
      this.#open(id);
    });
  }
}
