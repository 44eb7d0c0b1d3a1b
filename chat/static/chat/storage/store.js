/** One owner's values in this browser: small JSON values. Without storage nothing is kept and nothing fails. */

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

  /**
   * Names contain the owner: users of one browser do not share values.
   * @param {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length"> | null} storage
   * @param {string} owner
   */
  constructor(storage, owner) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}:${owner}:`;
  }

  /** Null if there is none or it is not valid JSON. @param {string} name @returns {unknown} */
  get(name) {
    try {
      return JSON.parse(this.#storage?.getItem(this.#prefix + name) ?? "null");
    } catch {
      return null;
    }
  }

  /** Keep the value; null or "" removes it. @param {string} name @param {unknown} value */
  set(name, value) {
    try {
      if (value === null || value === "") this.#storage?.removeItem(this.#prefix + name);
      else this.#storage?.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // full: only the next visit misses the value
    }
  }

  /** The names with this prefix, without the owner. */
  names(prefix = "") {
    const [storage, whole] = [this.#storage, this.#prefix + prefix];
    try {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
      return keys.filter((key) => key.startsWith(whole)).map((key) => key.slice(this.#prefix.length));
    } catch {
      return [];
    }
  }

  /** Remove all values of this owner. */
  clear() {
    for (const name of this.names()) this.set(name, null);
  }
}
