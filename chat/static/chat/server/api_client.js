/**
 * The client of the conversation API: lists, reads, renames and deletes conversations over HTTP, without the socket.
 *
 * in:  calls of list_controller.js, list_pages.js and open_conversations.js
 * out: the server's JSON, or an ApiError
 */

const LIST = "/conversations/";

/** The status of an error response; 0 if the server is unreachable. */
export class ApiError extends Error {
  constructor(status) {
    super(`the conversation API returned ${status}`);
    this.status = status;
  }
}

/** For `catch`: handle an ApiError, pass on any other error. */
export const ifApiError = (handle) => (error) => {
  if (error instanceof ApiError) return handle(error);
  throw error;
};

/** Django's CSRF token. The cookie is first: a sign-in in another tab renews it, but not the page's own copy. */
function csrfToken() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("meta[name=csrf-token]").content;
}

async function request(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  // a redirect leads to the sign-in page: report 401 instead of following it
  const reply = await fetch(path, { ...options, headers, redirect: "manual" }).catch(() => null);
  if (!reply) throw new ApiError(0);
  if (!reply.ok) throw new ApiError(reply.type === "opaqueredirect" ? 401 : reply.status);
  return reply.json().catch(() => Promise.reject(new ApiError(0))); // the connection broke in the body
}

export class ApiClient {
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

  /** Change `title`, `deleted` or `read`. Resolves to the new summary. */
  change(id, changes) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
    return request(this.#of(id), { method: "PATCH", headers, body: JSON.stringify(changes) });
  }

  #of(id) {
    return this.#conversationPath.replace("{id}", id);
  }
}
