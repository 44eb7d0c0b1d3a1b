/**
 * Keeps a visible page fresh: fetches what was missed, and marks what is on screen as read.
 *
 * in:  the server's change events, each opening of the socket, the page becoming visible
 * out: calls of the list controller, the list pages, the open conversations and the navigation
 */

export class Visibility {
  #openConversations;
  #list;
  #listController;
  #listPages;
  #navigation;
  #isHidden;

  constructor({ openConversations, list, listController, listPages, navigation, isHidden = () => document.hidden }) {
    this.#openConversations = openConversations;
    this.#list = list;
    this.#listController = listController;
    this.#listPages = listPages;
    this.#navigation = navigation;
    this.#isHidden = isHidden;
  }

  /** Fetch what lost notifications may have missed. A hidden page waits until it is visible. */
  refresh() {
    if (this.#isHidden()) return;
    this.#listPages.reload();
    this.#openConversations.refresh();
    this.markRead();
  }

  /** Mark the shown conversation as read if it is visible. */
  markRead() {
    const { id } = this.#openConversations.shown;
    if (!this.#isHidden() && this.#list.get(id)?.unread) this.#listController.markRead(id);
  }

  /** Handle `tailrace:conversation`: a conversation has changed. */
  handleChange(event) {
    this.#openConversations.nameWaiting(event); // first: one conversation must not be listed twice
    this.#listController.applyChange(event.conversation);
    if (!this.#isHidden() && this.#openConversations.shown.isMissing(event)) this.#openConversations.refresh();
    if (event.conversation.deleted) this.#navigation.removedElsewhere(event.conversation);
  }
}
