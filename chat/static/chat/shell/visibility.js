/** Keeps a visible page fresh: fetches missed changes and marks the visible conversation as read. */

/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { ConversationList } from "../sidebar/conversation_list.js" */

export class Visibility {
  #openConversations;
  #list;
  #listController;
  #listPages;
  #navigation;
  #isHidden;

  /**
   * @param {{
   *   openConversations: {
   *     shown: Pick<Conversation, "id" | "isMissing">,
   *     refresh: () => void,
   *     nameWaiting: (event: ConversationEvent) => void,
   *   },
   *   list: ConversationList,
   *   listController: {
   *     markRead: (id: string) => void,
   *     applyChange: (conversation: ConversationEvent["conversation"]) => void,
   *   },
   *   listPages: { reload: () => void },
   *   navigation: { removedElsewhere: (summary: Summary) => void },
   *   isHidden?: () => boolean,
   * }} parts
   */
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

  /** Mark the shown conversation as read if it is visible. */
  markRead() {
    const { id } = this.#openConversations.shown;
    if (id && !this.#isHidden() && this.#list.get(id)?.unread) this.#listController.markRead(id);
  }

  /** Handle a change event of a conversation. @param {ConversationEvent} event */
  handleChange(event) {
    this.#openConversations.nameWaiting(event); // first: one conversation must not be listed twice
    this.#listController.applyChange(event.conversation);
    if (!this.#isHidden() && this.#openConversations.shown.isMissing(event)) this.#openConversations.refresh();
    if (event.conversation.deleted) this.#navigation.removedElsewhere(event.conversation);
  }
}
