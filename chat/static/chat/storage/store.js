/**
 * What this browser keeps for one owner: small JSON values that survive a reload and a restart.
 *
 * in:  names and values of drafts.js, outbox.js and composer.js; a `Storage` of the browser, or null
 * out: the values; nothing is kept, and nothing breaks, where the browser allows no storage
 */

const PREFIX = "tailrace";

/** The browser's storage, or null where it is forbidden: even to look at it may throw. */
export function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export class Store {
  #storage;
  #prefix;

  /** Two people who share a browser do not share what they wrote: `owner` is part of each name. */
  constructor(storage, owner) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}:${owner}:`;
  }

  /** The value, or null if there is none or it is not ours. */
  get(name) {
    try {
      return JSON.parse(this.#storage.getItem(this.#prefix + name));
    } catch {
      return null;
    }
  }

  /** Keeps the value; null or "" takes it away. */
  set(name, value) {
    try {
      if (value === null || value === "") this.#storage.removeItem(this.#prefix + name);
      else this.#storage.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // no storage, or it is full: the page works on, and only the next visit misses the value
    }
  }

  /** The names that begin so, without the owner. */
  names(beginning = "") {
    const whole = this.#prefix + beginning;
    try {
      const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index));
      return keys.filter((key) => key.startsWith(whole)).map((key) => key.slice(this.#prefix.length));
    } catch {
      return [];
    }
  }

  /** The owner has signed out: leave nothing of theirs behind. */
  clear() {
    for (const name of this.names()) this.set(name, null);
  }
}
