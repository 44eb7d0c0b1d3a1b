/** Changes the list: for events of the server and actions of the reader. */

import { ifApiError } from "../server/api_client.js";

const NOT_FOUND = 404;
const CHANGEABLE = /** @type {const} */ (["title", "pinned_at"]);

export class ListController {
  #list;
  #api;
  #on;
  /** @type {Map<string, Summary>} */ #changes = new Map(); // the last event of each id

  /** @param {ConversationList} list @param {ListControllerParts} parts */
  constructor(list, { api, on }) {
    this.#list = list;
    this.#api = api;
    this.#on = on;
  }

  /** @param {ConversationEvent["conversation"]} conversation */
  applyChange(conversation) {
    this.#changes.set(conversation.id, conversation);
    this.#put(conversation.id, conversation.deleted ? null : conversation);
  }

  /** @param {string} id @param {string} title */
  rename(id, title) {
    const before = this.#list.get(id);
    if (!before || !title || title === before.title) return this.#on.changed(); // it may be deleted
    return this.#change(id, before, { title }, { ...before, title });
  }

  /** @param {string} id @param {boolean} pinned */
  pin(id, pinned) {
    const before = this.#list.get(id);
    if (before) return this.#change(id, before, { pinned }, { ...before, pinned_at: pinned ? Date.now() / 1000 : null });
  }

  /** If the request fails, the next fetch restores the mark. @param {string} id */
  markRead(id) {
    const summary = this.#list.get(id);
    if (summary) this.#put(id, { ...summary, unread: false });
    return this.#api.change(id, { read: true }).catch(ifApiError(() => null));
  }

  /** Resolves to whether it is deleted. @param {string} id */
  remove(id) {
    return this.#change(id, this.#list.get(id), { deleted: true }, null);
  }

  /** Resolves to whether it is restored. @param {Summary} summary */
  restore(summary) {
    return this.#change(summary.id, null, { deleted: false }, summary);
  }

  /**
   * Show the change at once; revert it if refused. A null summary means deleted. Resolves to whether it succeeded.
   * @param {string} id
   * @param {Summary | null} before
   * @param {ConversationChanges} changes
   * @param {Summary | null} after
   */
  async #change(id, before, changes, after) {
    this.#put(id, after);
    const change = this.#changes.get(id);
    const refused = (/** @type {ApiError} */ error) => {
      this.#on.failed(error);
      if (this.#changes.get(id) === change) this.#revert(id, error.status === NOT_FOUND ? null : before, after);
      return null;
    };
    const summary = await this.#api.change(id, changes).catch(ifApiError(refused));
    if (summary && after) {
      this.#list.merge(summary);
      this.#on.changed();
    }
    return summary !== null;
  }

  /**
   * Of a change revert only its field, and only if unchanged since: the rest may be newer.
   * @param {string} id
   * @param {Summary | null} before
   * @param {Summary | null} after
   */
  #revert(id, before, after) {
    const now = this.#list.get(id);
    if (!before || !after) this.#put(id, before);
    else if (now) {
      const unchanged = CHANGEABLE.filter((name) => now[name] === after[name]);
      this.#put(id, { ...now, ...Object.fromEntries(unchanged.map((name) => [name, before[name]])) });
    }
  }

  /** @param {string} id @param {Summary | null} summary */
  #put(id, summary) {
    if (summary) this.#list.put(summary);
    else this.#list.remove(id);
    this.#on.changed();
  }
}
