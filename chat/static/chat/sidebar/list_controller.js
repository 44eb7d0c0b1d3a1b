/**
 * The list of conversations as the server has it: searches, pages, renames, deletes and takes that back.
 *
 * in:  the reader's wishes (conversation_list_view.js), the server's hints
 * out: requests of api_client.js; `on`: changed(), failed(error)
 */

import { ArchiveError } from "../server/api_client.js";

const GONE = 404; // deleted elsewhere, or never there
const TYPING_MS = 200; // a search begins when nothing was typed for so long

export class Library {
  #list;
  #archive;
  #on;
  #timer = null;
  #asked = 0; // +1 with each question: what an earlier one brings later is dropped
  #loading = false;
  #hinted = new Map(); // id → what the server told of it last

  constructor(list, { archive, on }) {
    this.#list = list;
    this.#archive = archive;
    this.#on = on;
  }

  /** At each key: asks the server once the typing rests, at once when the words are taken away. */
  search(words) {
    clearTimeout(this.#timer);
    this.#list.search = words.trim();
    this.#timer = setTimeout(() => this.reload(), this.#list.search ? TYPING_MS : 0);
  }

  /** The first page again. While the server is away, the list stays as it is. */
  async reload() {
    const asked = (this.#asked += 1);
    const { search, heard } = this.#list;
    const page = await this.#tried(this.#archive.list({ search }), { quietly: true });
    if (!page || asked !== this.#asked) return;
    this.#list.fill(page, heard);
    this.#on.changed();
  }

  async loadMore() {
    if (this.#loading || this.#list.more === null) return;
    this.#loading = true;
    const { search, more: before, heard } = this.#list;
    const asked = this.#asked;
    const page = await this.#tried(this.#archive.list({ search, before }), { quietly: true });
    this.#loading = false;
    if (!page || asked !== this.#asked) return;
    this.#list.extend(page, heard);
    this.#on.changed();
  }

  /** The server tells how a conversation is now. */
  hint(conversation) {
    this.#hinted.set(conversation.id, conversation);
    if (conversation.deleted) this.#list.remove(conversation.id);
    else this.#list.put(conversation);
    this.#on.changed();
  }

  rename(id, title) {
    const before = this.#list.get(id);
    if (!before || !title || title === before.title) return this.#on.changed(); // it may be gone meanwhile
    return this.#change(before, { title }, { ...before, title });
  }

  /** The reader sees its newest answer. If the server does not hear of it, the next refetch brings the mark again. */
  read(id) {
    this.#put(id, { ...this.#list.get(id), unread: false });
    return this.#tried(this.#archive.change(id, { read: true }), { quietly: true });
  }

  /** Resolves to whether it is deleted. */
  remove(id) {
    return this.#change(this.#list.get(id), { deleted: true }, null);
  }

  /** Resolves to whether it is back. */
  restore(summary) {
    return this.#change(null, { deleted: false }, summary);
  }

  /** Shows the change at once; takes it back if the server does not agree. Resolves to whether it did. */
  async #change(before, changes, after) {
    const { id } = before ?? after;
    this.#put(id, after);
    const hinted = this.#hinted.get(id);
    const refused = ({ status }) => {
      if (this.#hinted.get(id) !== hinted) return; // the server has told how it is since
      this.#takeBack(id, status === GONE ? null : before, after);
    };
    const summary = await this.#tried(this.#archive.change(id, changes), { refused });
    if (summary && after) this.#recall(summary);
    return summary !== null;
  }

  /** Of a new name only the name, and only if it is still there: what else is known may have come since. */
  #takeBack(id, before, after) {
    const now = this.#list.get(id);
    if (!before || !after) this.#put(id, before);
    else if (now?.title === after.title) this.#put(id, { ...now, title: before.title });
  }

  #recall(summary) {
    this.#list.recall(summary);
    this.#on.changed();
  }

  #put(id, summary) {
    if (summary) this.#list.put(summary);
    else this.#list.remove(id);
    this.#on.changed();
  }

  async #tried(request, { quietly = false, refused = () => {} } = {}) {
    try {
      return await request;
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      if (!quietly) this.#on.failed(error);
      refused(error);
      return null;
    }
  }
}
