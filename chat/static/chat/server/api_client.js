/** The client of the conversation API. */

/** `status` is the HTTP status, or 0 if the server is unreachable. */
export class ApiError extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`the conversation API returned ${status}`);
    this.status = status;
  }
}

/** For `catch`. @type {IfApiError} */
export const ifApiError = (handle) => (error) => {
  if (error instanceof ApiError) return handle(error);
  throw error;
};

/** The cookie first: a sign-in in another tab renews it, but not the page's copy. */
function csrfToken() {
  const meta = document.querySelector("meta[name=csrf-token]");
  const name = `${meta?.getAttribute("data-cookie")}=`;
  const cookie = document.cookie.split("; ").find((each) => each.startsWith(name));
  return cookie?.slice(name.length) ?? meta?.getAttribute("content") ?? "";
}

/** @param {string} path @param {RequestOptions} options */
async function request(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  // a redirect means the sign-in page: 401
  const reply = await fetch(path, { ...options, headers, redirect: "manual" }).catch(() => null);
  if (!reply) throw new ApiError(0);
  if (!reply.ok) throw new ApiError(reply.type === "opaqueredirect" ? 401 : reply.status);
  return reply.json().catch(() => Promise.reject(new ApiError(0))); // the connection broke in the body
}

export class ApiClient {
  #listPath;
  #conversationPath;

  /** `conversationPath` contains `{id}`, after the path of the list. @param {string} conversationPath */
  constructor(conversationPath) {
    this.#listPath = conversationPath.split("{id}")[0];
    this.#conversationPath = conversationPath;
  }

  /** @param {ListQuery} query @returns {Promise<ListPage>} */
  list({ search = "", before = null } = {}) {
    const query = new URLSearchParams();
    if (search) query.set("search", search);
    if (before !== null) query.set("before", before);
    return request(`${this.#listPath}?${query}`);
  }

  /** The latest turns, or those of a place. @param {string} id @param {Place} place @returns {Promise<OneConversation>} */
  responses(id, place = {}) {
    const query = new URLSearchParams(Object.entries(place));
    return request(`${this.#of(id)}responses/?${query}`);
  }

  /** @param {string} id @param {ConversationChanges} changes @returns {Promise<Summary>} */
  change(id, changes) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
    return request(this.#of(id), { method: "PATCH", headers, body: JSON.stringify(changes) });
  }

  /** @param {string} id */
  #of(id) {
    return this.#conversationPath.replace("{id}", id);
  }
}
