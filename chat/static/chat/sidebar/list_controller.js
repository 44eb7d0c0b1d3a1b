/**
 * Keeps the list of conversations and the server in step: marks, renames, deletions and their undo.
 *
 * in:  the reader's actions (conversation_list_view.js), the server's change events
 * out: requests of api_client.js; `on`: changed(), failed(error)
 */

import { ifApiError } from "../server/api_client.js";

const GONE = 404; // deleted elsewhere, or never there

export class ListController {
  #list;
  #api;
  #on;
  #changes = new Map(); // id → the last change event of it

  constructor(list, { api, on }) {
    this.#list = list;
    this.#api = api;
    this.#on = on;
  }

  /** Apply a change event of the server. */
  applyChange(conversation) {
    this.#changes.set(conversation.id, conversation);
    this.#put(conversation.id, conversation.deleted ? null : conversation);
  }

  rename(id, title) {
    const before = this.#list.get(id);
    if (!before || !title || title === before.title) return this.#on.changed(); // it may be deleted by now
    return this.#change(before, { title }, { ...before, title });
  }

  /** The newest response was seen. If the request fails, the next fetch restores the mark. */
  markRead(id) {
    this.#put(id, { ...this.#list.get(id), unread: false });
    return this.#api.change(id, { read: true }).catch(ifApiError(() => null));
  }

  /** Resolves to whether it is deleted. */
  remove(id) {
    return this.#change(this.#list.get(id), { deleted: true }, null);
  }

  /** Resolves to whether it is restored. */
  restore(summary) {
    return this.#change(null, { deleted: false }, summary);
  }

  /** Show the change at once, and revert it if the server refuses. Resolves to whether it succeeded. */
  async #change(before, changes, after) {
    const { id } = before ?? after;
    this.#put(id, after);
    const change = this.#changes.get(id);
    const refused = (error) => {
      this.#on.failed(error);
      if (this.#changes.get(id) === change) this.#revert(id, error.status === GONE ? null : before, after); // else it is newer
      return null;
    };
    const summary = await this.#api.change(id, changes).catch(ifApiError(refused));
    if (summary && after) {
      this.#list.merge(summary);
      this.#on.changed();
    }
    return summary !== null;
  }

  /** Of a rename revert only the title, and only if it is still there: the rest may be newer. */
  #revert(id, before, after) {
    const now = this.#list.get(id);
    if (!before || !after) this.#put(id, before);
    else if (now?.title === after.title) this.#put(id, { ...now, title: before.title });
  }

  #put(id, summary) {
    if (summary) this.#list.put(summary);
    else this.#list.remove(id);
    this.#on.changed();
  }
}
