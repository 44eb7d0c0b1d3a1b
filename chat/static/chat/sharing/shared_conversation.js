/** A conversation as a link shows it: fetched again when it changes, until the link ends. */

import { Conversation } from "../conversation/conversation.js";
import { ApiError, request } from "../server/api_client.js";

const REFRESH_MS = 1_000; // bound of the random wait after a change: all readers hear of it at once
const NOT_FOUND = 404;
const NOTHING = { keep() {}, drop() {} }; // nothing is written here

export class SharedConversation {
  #conversation;
  #path;
  #on;
  /** @type {Timer} */ #timer;

  /** @param {SharedPageData} data @param {SharedParts} parts */
  constructor({ responses, turns_path }, { send, on }) {
    this.#path = turns_path;
    this.#on = on;
    const callbacks = { changed: on.changed, path: on.path, accepted() {}, refused() {}, named() {} };
    this.#conversation = new Conversation({ id: null, responses }, { send, outbox: NOTHING, on: callbacks });
  }

  get tree() {
    return this.#conversation.tree;
  }

  /** @param {ReplyEvent} event */
  receive(event) {
    return this.#conversation.receive(event);
  }

  /** The socket is open: subscribe, and fetch changes whose notifications were lost. */
  resume() {
    this.#conversation.resume();
    return this.refresh();
  }

  /** Fetch soon; changes meanwhile are fetched together. */
  refreshSoon(random = Math.random) {
    this.#timer ??= setTimeout(() => this.refresh(), random() * REFRESH_MS);
  }

  async refresh() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const fetched = await this.#fetch(this.#path);
    if (!fetched) return;
    this.#on.titled(fetched.title);
    this.#conversation.merge(fetched.responses);
    this.#dropBranches(fetched.responses);
  }

  /** Load the turns above the first one. Resolves to whether there were any. */
  async loadEarlier() {
    const { top } = this.tree;
    if (top === null) return false;
    const fetched = await this.#fetch(`${this.#path}?${new URLSearchParams({ before: top })}`);
    if (fetched) this.#conversation.merge(fetched.responses);
    return Boolean(fetched?.responses.length);
  }

  /** @param {number | null} openedAt */
  isSilent(openedAt) {
    return this.tree.turns.some((turn) => turn.isSilent(Date.now(), openedAt));
  }

  /** Remove turns that a newer version has replaced. @param {ResponseRow[]} rows the latest of the path */
  #dropBranches(rows) {
    const shown = new Set(rows.map(({ id }) => id));
    let above = rows[0]?.previous_response_id ?? null;
    while (above !== null && !shown.has(above)) {
      shown.add(above);
      above = this.tree.find(above)?.previousId ?? null;
    }
    for (const turn of this.tree.turns.filter(({ response }) => !shown.has(response?.id ?? ""))) this.tree.remove(turn);
  }

  /** Null if it is unavailable; without the link it ends. @param {string} path @returns {Promise<SharedTurns | null>} */
  async #fetch(path) {
    try {
      return await request(path);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === NOT_FOUND) this.#on.ended();
      return null;
    }
  }
}
