/** A file in the body of a request, with its progress: `fetch` reports none. */

const UPLOAD_MS = 180_000; // the server waits 120 s

/**
 * Resolves to the status, 0 if the server is unreachable, and the JSON of the reply, if it is any.
 * @param {string} url
 * @param {File} file
 * @param {{ headers: Record<string, string>, progress: (share: number) => void, signal: AbortSignal }} options
 * @returns {Promise<{ status: number, body: any }>}
 */
export function upload(url, file, { headers, progress, signal }) {
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
