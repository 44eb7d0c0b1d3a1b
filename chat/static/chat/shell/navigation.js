/** Moves between conversations, and undoes deletions. */

import { DELETED_ELSEWHERE, deletedOneText } from "../sentences/list.js";
import { ifApiError } from "../server/api_client.js";

export class Navigation {
  #openConversations;
  #list;
  #listController;
  #listView;
  #sidebar;
  #composer;
  #address;
  #toast;
  #failed;
  #days;

  /** @param {NavigationParts} parts */
  constructor({ openConversations, list, listController, listView, sidebar, composer, address, toast, failed, days }) {
    this.#openConversations = openConversations;
    this.#list = list;
    this.#listController = listController;
    this.#listView = listView;
    this.#sidebar = sidebar;
    this.#composer = composer;
    this.#address = address;
    this.#toast = toast;
    this.#failed = failed;
    this.#days = days;
  }

  /** If the conversation cannot be fetched, everything stays, the address too. `at`: the turn to show. @param {ConversationId} id */
  async visit(id, { push = false, at = "" } = {}) {
    if (push) this.#address.push(id);
    const refused = (/** @type {ApiError} */ error) => {
      this.#address.replace(this.#openConversations.shown.id);
      this.#failed(error);
    };
    await this.#openConversations.open(id, at).catch(ifApiError(refused));
  }

  /** @param {ConversationId} id @param {string} [at] the response whose turn is shown */
  open(id, at) {
    this.#goOn(() => this.visit(id, { push: true, at }));
  }

  /** Show a conversation without an id. @param {Conversation} conversation */
  showWaiting(conversation) {
    this.#goOn(() => {
      this.#address.push(null);
      this.#openConversations.show(conversation);
    });
  }

  /** Show the conversation so many rows below. The focus stays. @param {number} by */
  step(by) {
    const id = this.#list.neighbour(this.#openConversations.shown.id, by);
    if (id) this.visit(id, { push: true });
  }

  /** Delete at once; offer Undo, with the focus if by keyboard. @param {string} id @param {boolean} byKeyboard */
  async remove(id, byKeyboard) {
    const summary = this.#list.get(id);
    if (!summary) return;
    const next = this.#list.neighbour(id, 1) ?? this.#list.neighbour(id, -1);
    const wasShown = id === this.#openConversations.shown.id;
    if (wasShown) this.#leave();
    const removed = this.#listController.remove(id);
    this.#listView.focus(next);
    if (await removed) this.#offerUndo(summary, wasShown, byKeyboard);
    else if (wasShown) this.visit(id, { push: true });
  }

  /**
   * An open drawer would cover the toast.
   * @param {Summary} summary
   * @param {boolean} wasShown
   * @param {boolean} byKeyboard
   */
  #offerUndo(summary, wasShown, byKeyboard) {
    this.#sidebar.closeDrawer({ focus: false });
    this.#toast.show(deletedOneText(this.#days), () => this.#restore(summary, wasShown), { focus: byKeyboard });
  }

  /** Leave a deleted conversation; deletions by this page have left it already. @param {Summary} summary */
  removedElsewhere(summary) {
    if (summary.id !== this.#openConversations.shown.id) return;
    this.#leave();
    this.#toast.show(DELETED_ELSEWHERE, () => this.#restore(summary, true));
  }

  /** @param {Summary} summary @param {boolean} show */
  async #restore(summary, show) {
    const restored = await this.#listController.restore(summary);
    if (restored && show) this.visit(summary.id, { push: true });
    this.#listView.focus(summary.id);
  }

  /** Replace the address: the back button must not lead to a deleted conversation. */
  #leave() {
    this.#address.replace(null);
    this.#openConversations.open(null);
  }

  /** Leave the list: the reader writes next. @param {() => void} go */
  #goOn(go) {
    this.#sidebar.closeDrawer();
    go();
    this.#composer.focusUnlessTouch();
  }
}
