/**
 * From conversation to conversation: what the reader chooses in the list, by a key or by the browser's own buttons.
 *
 * in:  choices of conversation_list_view.js, of the shortcuts and of the address; hints of a deletion
 * out: what the desk shows, the address, where the focus goes on, a toast that takes a deletion back
 */

import { ArchiveError } from "../server/api_client.js";

export class Navigation {
  #desk;
  #list;
  #library;
  #listView;
  #sidebar;
  #composer;
  #address;
  #toast;
  #failed;
  #fine = matchMedia("(pointer: fine)"); // elsewhere a focus in the composer brings up the keyboard

  constructor({ desk, list, library, listView, sidebar, composer, address, toast, failed }) {
    this.#desk = desk;
    this.#list = list;
    this.#library = library;
    this.#listView = listView;
    this.#sidebar = sidebar;
    this.#composer = composer;
    this.#address = address;
    this.#toast = toast;
    this.#failed = failed;
  }

  /** Shows a conversation, or a new one for null. If it cannot be had, everything stays as it is, the address too. */
  async visit(id, { push = false } = {}) {
    if (push) this.#address.push(id);
    if (!id) return this.#desk.openNew();
    try {
      await this.#desk.open(id);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.#address.replace(this.#desk.shown.id);
      this.#failed(error);
    }
  }

  create() {
    this.#goOn(() => this.visit(null, { push: true }));
  }

  open(id) {
    this.#goOn(() => this.visit(id, { push: true }));
  }

  /** One that has no id yet: it waits to be sent. */
  showWaiting(conversation) {
    this.#goOn(() => {
      this.#address.push(null);
      this.#desk.show(conversation);
    });
  }

  /** The conversation so many rows further down. The focus stays where it is. */
  step(by) {
    const id = this.#list.neighbour(this.#desk.shown.id, by);
    if (id) this.visit(id, { push: true });
  }

  /** Deletes at once, and offers to take it back. By the keyboard, the way back is where the focus goes. */
  async remove(id, byKeyboard) {
    const summary = this.#list.get(id);
    const next = this.#list.neighbour(id, 1) ?? this.#list.neighbour(id, -1);
    const wasShown = id === this.#desk.shown.id;
    if (wasShown) this.#leave();
    const removed = this.#library.remove(id);
    this.#listView.focus(next); // the row that had the focus is gone
    if (await removed) this.#offerBack(summary, wasShown, byKeyboard);
    else if (wasShown) this.visit(id, { push: true });
  }

  /** A drawer would cover the way back. */
  #offerBack(summary, wasShown, byKeyboard) {
    this.#sidebar.closeDrawer({ focus: false });
    this.#toast.show("Deleted.", () => this.#restore(summary, wasShown), { focus: byKeyboard });
  }

  /** The server told of a deletion. One that was done here is out of sight already. */
  removedElsewhere(summary) {
    if (summary.id !== this.#desk.shown.id) return;
    this.#leave();
    this.#toast.show("Deleted in another window.", () => this.#restore(summary, true));
  }

  async #restore(summary, show) {
    const restored = await this.#library.restore(summary);
    if (restored && show) this.visit(summary.id, { push: true });
    this.#listView.focus(summary.id);
  }

  /** The shown conversation is deleted: its address is of no use to the way back. */
  #leave() {
    this.#address.replace(null);
    this.#desk.openNew();
  }

  /** From the list into the conversation: that is where the reader writes next. */
  #goOn(go) {
    this.#sidebar.closeDrawer({ focus: !this.#fine.matches });
    go();
    if (this.#fine.matches) this.#composer.focus();
  }
}
