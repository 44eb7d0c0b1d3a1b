/** A `fetch` that records its replies as they were read, for the judge in Python. */

/** @typedef {{method: string, path: string, status: number, content_type: string, request_id: string,
 *   body: string, whole: boolean}} Reply */

const BASE = "/v1";

/** @param {Reply[]} replies @returns {typeof fetch} */
export function recordingFetch(replies) {
  return async (resource, options) => {
    const response = await fetch(resource, options);
    const url = new URL(String(resource));
    if (url.protocol === "data:") return response; // by which the SDK tests whether forms are encoded
    const reply = begun(url, options?.method ?? "GET", response);
    replies.push(reply);
    if (response.body === null) return response;
    const body = response.body.pipeThrough(recorder(reply));
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

/** @param {URL} url @param {string} method @param {Response} response @returns {Reply} */
function begun(url, method, response) {
  return {
    method,
    path: url.pathname.slice(BASE.length),
    status: response.status,
    content_type: (response.headers.get("content-type") ?? "").split(";")[0],
    request_id: response.headers.get("x-request-id") ?? "",
    body: "",
    whole: false,
  };
}

/** @param {Reply} reply */
function recorder(reply) {
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(chunk, controller) {
      reply.body += decoder.decode(chunk, { stream: true });
      controller.enqueue(chunk);
    },
    flush() {
      reply.whole = true;
    },
  });
}
