/**
 * The conversations of the past, over HTTP: no socket is needed to list, read, rename or delete them.
 *
 * in:  what to look for or to change (list_controller.js, open_conversations.js)
 * out: the server's JSON, or an ArchiveError
 */

const LIST = "/conversations/";

/** The server refused (its status), or was not reached (0). */
export class ArchiveError extends Error {
  constructor(status) {
    super(`the archive answered ${status}`);
    this.status = status;
  }
}

/** The token that Django wants back: the cookie is renewed by a sign-in elsewhere, the page's own copy is not. */
function csrfToken() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("meta[name=csrf-token]").content;
}

async function request(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  // a redirect leads to the sign-in page, which is no answer to a program
  const asked = fetch(path, { ...options, headers, redirect: "manual" }).catch(() => null);
  const reply = await asked;
  if (!reply) throw new ArchiveError(0);
  if (!reply.ok) throw new ArchiveError(reply.type === "opaqueredirect" ? 401 : reply.status);
  return reply.json().catch(() => Promise.reject(new ArchiveError(0))); // the connection broke in the middle
}

export class Archive {
  #conversationPath;

  /** `conversationPath` is the path of a conversation with `{id}` in it. */
  constructor(conversationPath) {
    this.#conversationPath = conversationPath;
  }

  /** A page of the list: `{conversations, more}`. */
  list({ search = "", before = null } = {}) {
    const query = new URLSearchParams();
    if (search) query.set("search", search);
    if (before !== null) query.set("before", before);
    return request(`${LIST}?${query}`);
  }

  /** `{conversation, responses}`: every response of a conversation. */
  responses(id) {
    return request(`${this.#of(id)}responses/`);
  }

  /** Changes a title, what is deleted, or what is read; returns the new summary. */
  change(id, changes) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
    return request(this.#of(id), { method: "PATCH", headers, body: JSON.stringify(changes) });
  }

  #of(id) {
    return this.#conversationPath.replace("{id}", id);
  }
}
