/** The client of the APIs of conversations and files. */

const ADMIT_MS = 10_000; // as of a handshake
const UPLOAD_MS = 180_000; // the server waits 120 s

/** `status` is the HTTP status, or 0 if the server is unreachable; `error` has the code, if there is one. */
export class ApiError extends Error {
  /** @param {number} status @param {ErrorObject | null} [error] */
  constructor(status, error = null) {
    super(`the API returned ${status}`);
    this.status = status;
    this.error = error;
  }
}

/** For `catch`. @type {IfApiError} */
export const ifApiError = (handle) => (error) => {
  if (error instanceof ApiError) return handle(error);
  throw error;
};

/** The cookie first: a sign-in in another tab renews it, but not the page's copy. */
export function csrfToken() {
  const meta = document.querySelector("meta[name=csrf-token]");
  const name = `${meta?.getAttribute("data-cookie")}=`;
  const cookie = document.cookie.split("; ").find((each) => each.startsWith(name));
  return cookie?.slice(name.length) ?? meta?.getAttribute("content") ?? "";
}

/** @param {Response} reply of an unsuccessful request */
async function errorOf(reply) {
  if (reply.type === "opaqueredirect") return new ApiError(401);
  const body = await reply.json().catch(() => null);
  return new ApiError(reply.status, body?.error ?? null);
}

/** @param {string} path @param {RequestOptions} options */
export async function request(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  // a redirect means the sign-in page: 401
  const reply = await fetch(path, { ...options, headers, redirect: "manual" }).catch(() => null);
  if (!reply) throw new ApiError(0);
  if (!reply.ok) throw await errorOf(reply);
  return reply.json().catch(() => Promise.reject(new ApiError(0))); // the connection broke in the body
}

/**
 * Send a file, with its progress, which `fetch` does not report. Resolves to the status, 0 if the server is unreachable, and the JSON of the reply, if it is any.
 * @param {string} url
 * @param {File} file
 * @param {{ headers: Record<string, string>, progress: (share: number) => void, signal: AbortSignal }} options
 * @returns {Promise<{ status: number, body: any }>}
 */
function upload(url, file, { headers, progress, signal }) {
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.timeout = UPLOAD_MS;
  request.responseType = "json"; // null if it is none
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total));
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve({ status: request.status, body: request.response }));
    if (signal.aborted) resolve({ status: 0, body: null });
    else request.send(file);
  });
}

export class ApiClient {
  #listPath;
  #conversationPath;
  #filePath;
  #guestPath;
  #preferencesPath;
  #hasOwner;
  /** @type {Promise<Guest> | null} */ #admitting = null;

  /** Two paths contain `{id}`, after the path of the list. @param {ApiPaths} paths @param {boolean} hasOwner */
  constructor({ conversation_path, file_path, guest_path, preferences_path }, hasOwner) {
    this.#preferencesPath = preferences_path;
    this.#filePath = file_path;
    this.#listPath = conversation_path.split("{id}")[0];
    this.#conversationPath = conversation_path;
    this.#guestPath = guest_path;
    this.#hasOwner = hasOwner;
  }

  /** Become a guest, or the one that another tab has become. One request at a time: each renews the session. */
  admit() {
    this.#admitting ??= this.#admit().finally(() => {
      this.#admitting = null;
    });
    return this.#admitting;
  }

  /** @returns {Promise<Guest>} */
  async #admit() {
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

  /** Keep settings as the person's default; a visitor becomes a guest first. @param {Preferences} changes @returns {Promise<Preferences>} */
  async changePreferences(changes) {
    if (!this.#hasOwner) await this.admit();
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
    return request(this.#preferencesPath, { method: "PATCH", headers, body: JSON.stringify(changes) });
  }

  /** The number of conversations. */
  async count() {
    return this.#hasOwner ? (await request(`${this.#listPath}all/`)).count : 0;
  }

  /** Delete all conversations. Resolves to their number. */
  async deleteAll() {
    const headers = { "X-CSRFToken": csrfToken() };
    return (await request(`${this.#listPath}all/`, { method: "DELETE", headers })).count;
  }

  /** Store a file; a visitor becomes a guest first. @type {UploadFile} */
  async upload(file, type, { progress, signal }) {
    if (!this.#hasOwner) await this.admit();
    const query = new URLSearchParams({ filename: file.name });
    const headers = { "Content-Type": type, "X-CSRFToken": csrfToken() };
    const { status, body } = await upload(`${this.#filePath.split("{id}")[0]}?${query}`, file, {
      headers,
      progress,
      signal,
    });
    if (status !== 201) throw new ApiError(status, body?.error);
    return body;
  }

  /** @param {string} id */
  async deleteFile(id) {
    await request(this.fileUrl(id), { method: "DELETE", headers: { "X-CSRFToken": csrfToken() } });
  }

  /** @param {string} id */
  fileUrl(id) {
    return this.#filePath.replace("{id}", id);
  }

  /** @param {string} id */
  #of(id) {
    return this.#conversationPath.replace("{id}", id);
  }
}
