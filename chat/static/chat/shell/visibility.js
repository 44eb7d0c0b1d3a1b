/** Keeps a visible page fresh, and its conversation read. */

export class Visibility {
  #openConversations;
  #list;
  #listController;
  #listPages;
  #navigation;
  #isHidden;

  /** @param {VisibilityParts} parts */
  constructor({ openConversations, list, listController, listPages, navigation, isHidden = () => document.hidden }) {
    this.#openConversations = openConversations;
    this.#list = list;
    this.#listController = listController;
    this.#listPages = listPages;
    this.#navigation = navigation;
    this.#isHidden = isHidden;
  }

  /** Fetch changes whose notifications were lost. A hidden page waits until it is visible. */
  refresh() {
    if (this.#isHidden()) return;
    this.#listPages.reload();
    this.#openConversations.refresh();
    this.markRead();
  }

  markRead() {
    const { id } = this.#openConversations.shown;
    if (id && !this.#isHidden() && this.#list.get(id)?.unread) this.#listController.markRead(id);
  }

  /** @param {ConversationEvent} event */
  handleChange(event) {
    this.#openConversations.nameWaiting(event); // first: one conversation must not be listed twice
    this.#listController.applyChange(event.conversation);
    if (!this.#isHidden() && this.#openConversations.shown.isMissing(event)) this.#openConversations.refresh();
    if (event.conversation.deleted) this.#navigation.removedElsewhere(event.conversation);
  }
}
