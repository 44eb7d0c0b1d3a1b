/**
 * Moves between conversations: by a choice in the list, a key, or the browser's back and forward.
 *
 * in:  choices of conversation_list_view.js, the shortcuts and the address; deletions elsewhere
 * out: the visible conversation, the address, the focus, a toast that undoes a deletion
 */

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

  constructor({ openConversations, list, listController, listView, sidebar, composer, address, toast, failed }) {
    this.#openConversations = openConversations;
    this.#list = list;
    this.#listController = listController;
    this.#listView = listView;
    this.#sidebar = sidebar;
    this.#composer = composer;
    this.#address = address;
    this.#toast = toast;
    this.#failed = failed;
  }

  /** Show a conversation, or a new one for null. If it cannot be fetched, everything stays, the address too. */
  async visit(id, { push = false } = {}) {
    if (push) this.#address.push(id);
    const refused = (error) => {
      this.#address.replace(this.#openConversations.shown.id);
      this.#failed(error);
    };
    await this.#openConversations.open(id).catch(ifApiError(refused));
  }

  /** Open a conversation from the list, or a new one for null. */
  open(id) {
    this.#goOn(() => this.visit(id, { push: true }));
  }

  /** Show one that has no id yet: its first message is not accepted. */
  showWaiting(conversation) {
    this.#goOn(() => {
      this.#address.push(null);
      this.#openConversations.show(conversation);
    });
  }

  /** Show the conversation so many rows below. The focus stays. */
  step(by) {
    const id = this.#list.neighbour(this.#openConversations.shown.id, by);
    if (id) this.visit(id, { push: true });
  }

  /** Delete at once and offer Undo. By keyboard, the focus moves to Undo. */
  async remove(id, byKeyboard) {
    const summary = this.#list.get(id);
    const next = this.#list.neighbour(id, 1) ?? this.#list.neighbour(id, -1);
    const wasShown = id === this.#openConversations.shown.id;
    if (wasShown) this.#leave();
    const removed = this.#listController.remove(id);
    this.#listView.focus(next); // the focused row is gone
    if (await removed) this.#offerUndo(summary, wasShown, byKeyboard);
    else if (wasShown) this.visit(id, { push: true });
  }

  /** An open drawer would cover the toast. */
  #offerUndo(summary, wasShown, byKeyboard) {
    this.#sidebar.closeDrawer({ focus: false });
    this.#toast.show("Deleted.", () => this.#restore(summary, wasShown), { focus: byKeyboard });
  }

  /** Leave a deleted conversation. A deletion from this page has left it before its change event comes. */
  removedElsewhere(summary) {
    if (summary.id !== this.#openConversations.shown.id) return;
    this.#leave();
    this.#toast.show("Deleted in another window.", () => this.#restore(summary, true));
  }

  async #restore(summary, show) {
    const restored = await this.#listController.restore(summary);
    if (restored && show) this.visit(summary.id, { push: true });
    this.#listView.focus(summary.id);
  }

  /** Replace the address of the deleted conversation: the back button must not lead to it. */
  #leave() {
    this.#address.replace(null);
    this.#openConversations.open(null);
  }

  /** From the list into the conversation: the reader writes next. */
  #goOn(go) {
    this.#sidebar.closeDrawer();
    go();
    this.#composer.focusUnlessTouch();
  }
}
