/** The address bar: its conversation, and back and forward without a page load. */

const NEW = "/";

/** `pattern` contains `{id}`. @param {string} pattern @param {string} path */
export function idIn(pattern, path) {
  const [before, after] = pattern.split("{id}");
  const id = path.slice(before.length, path.length - after.length);
  return path === before + id + after && /^[\w-]+$/.test(id) ? id : null;
}

export class Address {
  #pattern;

  /** @param {string} pattern @param {{ onNavigate: (id: ConversationId) => void }} callbacks */
  constructor(pattern, { onNavigate }) {
    this.#pattern = pattern;
    addEventListener("popstate", () => onNavigate(this.conversationId));
  }

  get conversationId() {
    return idIn(this.#pattern, location.pathname);
  }

  /** @param {ConversationId} conversationId */
  of(conversationId) {
    return conversationId ? this.#pattern.replace("{id}", conversationId) : NEW;
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
