/** The dialog that deletes all conversations: it states their number, and begins at Cancel. */

import { find, set } from "../dom/elements.js";
import { deleteAllButton, deleteAllQuestion, deletedText, keptText, NOTHING_TO_DELETE } from "../sentences/list.js";
import { ifApiError } from "../server/api_client.js";

export class DeleteAll {
  #dialog;
  #confirm;
  #api;
  #days;
  #on;

  /** @param {HTMLDialogElement} dialog @param {DeleteAllParts} parts */
  constructor(dialog, { button, api, days, on }) {
    this.#dialog = dialog;
    this.#confirm = find(".danger", HTMLButtonElement, dialog);
    this.#api = api;
    this.#days = days;
    this.#on = on;
    button.addEventListener("click", () => this.#open());
    this.#confirm.addEventListener("click", () => this.#delete());
  }

  async #open() {
    const count = await this.#api.count().catch(ifApiError((error) => this.#failed(error)));
    if (count === null) return;
    if (!count) return this.#on.deleted(NOTHING_TO_DELETE);
    set(find("h2", HTMLElement, this.#dialog), "textContent", deleteAllQuestion(count));
    set(find("p", HTMLElement, this.#dialog), "textContent", keptText(this.#days));
    set(this.#confirm, "textContent", deleteAllButton(count));
    this.#dialog.showModal();
  }

  async #delete() {
    this.#dialog.close();
    this.#on.leave(); // first: the change events would look like those of another window
    const count = await this.#api.deleteAll().catch(ifApiError((error) => this.#failed(error)));
    if (count !== null) this.#on.deleted(deletedText(count));
  }

  /** @param {ApiError} error */
  #failed(error) {
    this.#on.failed(error);
    return null;
  }
}
