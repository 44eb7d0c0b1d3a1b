/** The client of the conversation API. */

const ADMIT_MS = 10_000; // as of a handshake

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
  #guestPath;
  #hasOwner;

  /** `conversation_path` contains `{id}`, after the path of the list. @param {ApiPaths} paths @param {boolean} hasOwner */
  constructor({ conversation_path, guest_path }, hasOwner) {
    this.#listPath = conversation_path.split("{id}")[0];
    this.#conversationPath = conversation_path;
    this.#guestPath = guest_path;
    this.#hasOwner = hasOwner;
  }

  /** Become a guest, or the one that another tab has become. @returns {Promise<Guest>} */
  async admit() {
    const [headers, signal] = [{ "X-CSRFToken": csrfToken() }, AbortSignal.timeout(ADMIT_MS)];
    const guest = await request(this.#guestPath, { method: "POST", headers, signal });
    this.#hasOwner = true;
    return guest;
  }

  /** Empty without an owner. @param {ListQuery} query @returns {Promise<ListPage>} */
  async list({ search = "", before = null } = {}) {
    if (!this.#hasOwner) return { conversations: [], more: null };
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
