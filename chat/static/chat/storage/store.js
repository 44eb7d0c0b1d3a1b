/** Small JSON values of one owner. Without storage nothing is kept and nothing fails. */

const PREFIX = "tailrace";
const CHANNEL = "tailrace-owner";

/** Null where storage is forbidden: the getter itself may throw. */
export function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export class Store {
  /** A value does not fit: only this page has it. */
  onFull = () => {};
  #storage;
  #prefix;
  #site;

  /**
   * Names contain the owner: users of one browser do not share values.
   * @param {StorageOfStore | null} storage
   * @param {string} owner
   * @param {string} site its path, as other sites of the host have another one
   */
  constructor(storage, owner, site = "") {
    this.#storage = storage;
    this.#site = site;
    this.#prefix = `${PREFIX}${site}:${owner}:`;
  }

  /**
   * Keep the values for this owner from now on, also those of a former one. Returns those that the owner had, too.
   * @param {string} owner
   * @param {string} former
   */
  adopt(owner, former = "") {
    const earlier = new Store(this.#storage, former, this.#site);
    this.#prefix = `${PREFIX}${this.#site}:${owner}:`;
    /** @type {Map<string, unknown>} */ const left = new Map();
    for (const name of earlier.names()) {
      const value = earlier.get(name);
      earlier.set(name, null); // first: the storage may be full
      if (this.get(name) === null) this.set(name, value);
      else left.set(name, value);
    }
    return left;
  }

  /** Remove the values of a former owner. @param {string} former */
  forget(former) {
    new Store(this.#storage, former, this.#site).clear();
  }

  /** Null if missing or invalid JSON. @param {string} name @returns {unknown} */
  get(name) {
    try {
      return JSON.parse(this.#storage?.getItem(this.#prefix + name) ?? "null");
    } catch {
      return null;
    }
  }

  /** Null or "" removes it. @param {string} name @param {unknown} value */
  set(name, value) {
    try {
      if (value === null || value === "") this.#storage?.removeItem(this.#prefix + name);
      else this.#storage?.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      this.onFull();
    }
  }

  /** Names without the owner. */
  names(prefix = "") {
    const [storage, whole] = [this.#storage, this.#prefix + prefix];
    try {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
      return keys.filter((key) => key.startsWith(whole)).map((key) => key.slice(this.#prefix.length));
    } catch {
      return [];
    }
  }

  clear() {
    for (const name of this.names()) this.set(name, null);
  }
}

/**
 * After a guest's sign-in, drafts and messages follow into the account, or are removed. Other tabs of the guest load
 * again, as the account; the store has their drafts.
 * @param {FormerGuest | null} former
 * @param {{ store: Store, drafts: Drafts, site: string }} options
 */
export function follow(former, { store, drafts, site }) {
  const owner = document.body.dataset.owner ?? "";
  if (former?.fate === "taken") drafts.append(store.adopt(owner, String(former.id)));
  if (former?.fate === "left") store.forget(String(former.id));
  if (!globalThis.BroadcastChannel) return;
  const channel = new BroadcastChannel(CHANNEL + site);
  channel.addEventListener("message", ({ data }) => data === document.body.dataset.owner && location.reload());
  if (former?.fate === "taken") channel.postMessage(String(former.id));
}
