/**
 * The address bar: which conversation it names, and the way back and forward without loading the page.
 *
 * in:  the browser's back and forward
 * out: `went(conversationId)`, null for a new conversation; addresses for links
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

  constructor(pattern, { went }) {
    this.#pattern = pattern;
    addEventListener("popstate", () => went(this.conversationId));
  }

  get conversationId() {
    return idIn(this.#pattern, location.pathname);
  }

  of(conversationId) {
    return conversationId ? this.#pattern.replace("{id}", conversationId) : NEW;
  }

  /** The reader went there. */
  push(conversationId) {
    if (location.pathname !== this.of(conversationId)) history.pushState(null, "", this.of(conversationId));
  }

  /** This place has another name now: a new conversation has got its id. */
  replace(conversationId) {
    history.replaceState(null, "", this.of(conversationId));
  }
}
