/**
 * One owner's values in this browser: small JSON values that survive a reload and a restart.
 *
 * in:  names and values of drafts.js, outbox.js, shortcuts_sheet.js and model_picker.js; a `Storage` of the browser, or null
 * out: the values; without storage nothing is kept and nothing fails
 */

const PREFIX = "tailrace";

/** The browser's storage, or null where it is forbidden: the getter itself may throw. */
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

  /** `owner` is part of each name: people who share a browser do not share values. */
  constructor(storage, owner) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}:${owner}:`;
  }

  /** The value, or null if there is none or it is not valid JSON. */
  get(name) {
    try {
      return JSON.parse(this.#storage.getItem(this.#prefix + name));
    } catch {
      return null;
    }
  }

  /** Keep the value; null or "" removes it. */
  set(name, value) {
    try {
      if (value === null || value === "") this.#storage.removeItem(this.#prefix + name);
      else this.#storage.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // no storage, or it is full: only the next visit misses the value
    }
  }

  /** The names with this prefix, without the owner. */
  names(prefix = "") {
    const whole = this.#prefix + prefix;
    try {
      const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index));
      return keys.filter((key) => key.startsWith(whole)).map((key) => key.slice(this.#prefix.length));
    } catch {
      return [];
    }
  }

  /** Remove all values of this owner: they have signed out. */
  clear() {
    for (const name of this.names()) this.set(name, null);
  }
}
