/** Registers the service worker of the offline page. */

const POLICY = "offline-worker"; // the only one that the Content Security Policy allows, for this one address

/** Not over plain http, except from this machine. @param {string} path of the worker's script */
export function registerOfflineWorker(path) {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  const { trustedTypes } = /** @type {any} */ (globalThis);
  const policy = trustedTypes?.createPolicy(POLICY, { createScriptURL: () => path });
  const register = () => navigator.serviceWorker.register(policy?.createScriptURL("") ?? path).catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true }); // it must not delay the page
}
