/** Moves between conversations: by the list, a key, or the back and forward buttons. Undoes deletions. */

import { ifApiError } from "../server/api_client.js";

/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { OpenConversations } from "../conversation/open_conversations.js" */
/** @import { ApiError } from "../server/api_client.js" */
/** @import { ConversationList } from "../sidebar/conversation_list.js" */
/** @import { ConversationListView } from "../sidebar/conversation_list_view.js" */
/** @import { ListController } from "../sidebar/list_controller.js" */
/** @import { Sidebar } from "../sidebar/sidebar.js" */
/** @import { Address } from "./address.js" */
/** @import { Composer } from "./composer.js" */
/** @import { Toast } from "./toast.js" */

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

  /**
   * @param {{
   *   openConversations: OpenConversations,
   *   list: ConversationList,
   *   listController: ListController,
   *   listView: ConversationListView,
   *   sidebar: Sidebar,
   *   composer: Composer,
   *   address: Address,
   *   toast: Toast,
   *   failed: (error: ApiError) => void,
   * }} parts
   */
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

  /**
   * Show a conversation; null: a new one. If it cannot be fetched, everything stays, the address too.
   * @param {string | null} id
   */
  async visit(id, { push = false } = {}) {
    if (push) this.#address.push(id);
    const refused = (/** @type {ApiError} */ error) => {
      this.#address.replace(this.#openConversations.shown.id);
      this.#failed(error);
    };
    await this.#openConversations.open(id).catch(ifApiError(refused));
  }

  /** Open a conversation from the list; null: a new one. @param {string | null} id */
  open(id) {
    this.#goOn(() => this.visit(id, { push: true }));
  }

  /** Show a conversation whose first message is not accepted. @param {Conversation} conversation */
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

  /** Delete at once and offer Undo. By keyboard, the focus moves to Undo. @param {string} id @param {boolean} byKeyboard */
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
    this.#toast.show("Deleted.", () => this.#restore(summary, wasShown), { focus: byKeyboard });
  }

  /** Leave a deleted conversation. Deletions by this page have left it already. @param {Summary} summary */
  removedElsewhere(summary) {
    if (summary.id !== this.#openConversations.shown.id) return;
    this.#leave();
    this.#toast.show("Deleted in another window.", () => this.#restore(summary, true));
  }

  /** @param {Summary} summary @param {boolean} show */
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

  /** Leave the list: the reader writes next. @param {() => void} go */
  #goOn(go) {
    this.#sidebar.closeDrawer();
    go();
    this.#composer.focusUnlessTouch();
  }
}
