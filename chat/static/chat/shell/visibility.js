/**
 * What somebody who looks at the page has to see: what was missed is fetched, what is on the screen counts as read.
 *
 * in:  the server's hints, the socket's opening, the page that comes into view
 * out: wishes to the library, the desk and the navigation
 */

export class Attention {
  #desk;
  #list;
  #library;
  #navigation;
  #isHidden;

  constructor({ desk, list, library, navigation, isHidden = () => document.hidden }) {
    this.#desk = desk;
    this.#list = list;
    this.#library = library;
    this.#navigation = navigation;
    this.#isHidden = isHidden;
  }

  /** Hints may have been missed. Nobody looks at a hidden page: what it misses, it fetches later. */
  look() {
    if (this.#isHidden()) return;
    this.#library.reload();
    this.#desk.look();
    this.attend();
  }

  /** What ended unread is read once it is on a screen that somebody sees. */
  attend() {
    const { id } = this.#desk.shown;
    if (!this.#isHidden() && this.#list.get(id)?.unread) this.#library.read(id);
  }

  /** The server tells how a conversation is now. */
  hear(event) {
    this.#library.hint(event.conversation);
    if (!this.#isHidden() && this.#desk.misses(event)) this.#desk.look();
    if (event.conversation.deleted) this.#navigation.removedElsewhere(event.conversation);
  }
}
