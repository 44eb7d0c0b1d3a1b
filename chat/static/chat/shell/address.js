/**
 * The address bar: the conversation it names, and back and forward without a page load.
 *
 * in:  the browser's back and forward buttons
 * out: `onNavigate(conversationId)`, null for a new conversation; addresses for links
 */

const NEW = "/";

/** The id in a path, or null. `pattern` is the path of a conversation with `{id}` in it. */
export function idIn(pattern, path) {
  const [before, after] = pattern.split("{id}");
  const id = path.slice(before.length, path.length - after.length);
  return path === before + id + after && /^[\w-]+$/.test(id) ? id : null;
}

export class Address {
  #pattern;

  constructor(pattern, { onNavigate }) {
    this.#pattern = pattern;
    addEventListener("popstate", () => onNavigate(this.conversationId));
  }

  get conversationId() {
    return idIn(this.#pattern, location.pathname);
  }

  of(conversationId) {
    return conversationId ? this.#pattern.replace("{id}", conversationId) : NEW;
  }

  /** Add an entry to the history. */
  push(conversationId) {
    if (location.pathname !== this.of(conversationId)) history.pushState(null, "", this.of(conversationId));
  }

  /** Rename the current entry: a new conversation has its id now. */
  replace(conversationId) {
    history.replaceState(null, "", this.of(conversationId));
  }
}
