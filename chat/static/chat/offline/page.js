/** The offline page: loads the page again once the server replies. */

const PAUSE_MS = 5_000;

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const own = location.pathname === main.dataset.path; // opened by its address, not in place of another page
const target = own ? (main.dataset.start ?? location.href) : location.href;
const button = /** @type {HTMLButtonElement} */ (document.querySelector("button"));

async function retry() {
  try {
    await fetch(target, { method: "HEAD", cache: "no-store" }); // any status: the page shows it
  } catch {
    return;
  }
  location.replace(target);
}

button.addEventListener("click", retry);
addEventListener("online", retry);
document.addEventListener("visibilitychange", () => document.hidden || retry());
setInterval(retry, PAUSE_MS);
