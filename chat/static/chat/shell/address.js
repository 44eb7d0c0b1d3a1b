/** The address bar: its conversation, and back and forward without a page load. */

/** `pattern` contains `{id}`. @param {string} pattern @param {string} path */
export function idIn(pattern, path) {
  const [before, after] = pattern.split("{id}");
  const id = path.slice(before.length, path.length - after.length);
  return path === before + id + after && /^[\w-]+$/.test(id) ? id : null;
}

export class Address {
  #start;
  #pattern;

  /**
   * @param {{ start: string, pattern: string }} paths of a new and of a stored conversation
   * @param {{ onNavigate: (id: ConversationId) => void }} callbacks
   */
  constructor({ start, pattern }, { onNavigate }) {
    this.#start = start;
    this.#pattern = pattern;
    addEventListener("popstate", () => onNavigate(this.conversationId));
  }

  get conversationId() {
    return idIn(this.#pattern, location.pathname);
  }

  /** @param {ConversationId} conversationId */
  of(conversationId) {
    return conversationId ? this.#pattern.replace("{id}", conversationId) : this.#start;
  }

  /** @param {ConversationId} conversationId */
  push(conversationId) {
    if (location.pathname !== this.of(conversationId)) history.pushState(null, "", this.of(conversationId));
  }

  /** @param {ConversationId} conversationId */
  replace(conversationId) {
    history.replaceState(null, "", this.of(conversationId));
  }
}
