/**
 * The address bar: the conversation it names, and back and forward without a page load. A null id means a new conversation.
 */

const NEW = "/";

/** The id in a path, or null. `pattern` contains `{id}`. @param {string} pattern @param {string} path */
export function idIn(pattern, path) {
  const [before, after] = pattern.split("{id}");
  const id = path.slice(before.length, path.length - after.length);
  return path === before + id + after && /^[\w-]+$/.test(id) ? id : null;
}

export class Address {
  #pattern;

  /** @param {string} pattern @param {{ onNavigate: (id: string | null) => void }} callbacks */
  constructor(pattern, { onNavigate }) {
    this.#pattern = pattern;
    addEventListener("popstate", () => onNavigate(this.conversationId));
  }

  get conversationId() {
    return idIn(this.#pattern, location.pathname);
  }

  /** @param {string | null} conversationId */
  of(conversationId) {
    return conversationId ? this.#pattern.replace("{id}", conversationId) : NEW;
  }

  /** Add an entry to the history. @param {string | null} conversationId */
  push(conversationId) {
    if (location.pathname !== this.of(conversationId)) history.pushState(null, "", this.of(conversationId));
  }

  /** Rename the current entry. @param {string | null} conversationId */
  replace(conversationId) {
    history.replaceState(null, "", this.of(conversationId));
  }
}
