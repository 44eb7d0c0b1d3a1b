/**
 * The service worker: shows the offline page in place of a page that cannot be loaded. It keeps only the files of that
 * page, the same for everybody, and answers no other request. `SHELL` precedes this text: chat/pages/app_shell.py.
 */

/** @type {{ cache: string, prefix: string, page: string, files: string[] }} */
const { cache, prefix, page, files } = /** @type {any} */ (globalThis).SHELL;
const worker = /** @type {any} */ (globalThis);

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(removeOthers()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(fetch(request).catch(() => kept(page)));
  else if (files.includes(new URL(request.url).pathname))
    event.respondWith(fetch(request).catch(() => kept(new URL(request.url).pathname)));
});

async function install() {
  const opened = await caches.open(cache);
  await opened.addAll([page, ...files]);
  await worker.skipWaiting();
}

async function removeOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(prefix) && name !== cache).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {string} path */
async function kept(path) {
  const opened = await caches.open(cache);
  return (await opened.match(path)) ?? Response.error();
}
