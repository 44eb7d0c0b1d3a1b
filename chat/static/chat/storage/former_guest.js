/** After a guest's sign-in: the guest's drafts and messages follow into the account, or are removed. */

const CHANNEL = "tailrace-owner";

/**
 * Other tabs of the guest load again, as the account; the store has their drafts.
 * @param {FormerGuest | null} former
 * @param {{ store: Store, drafts: Drafts, site: string }} options
 */
export function follow(former, { store, drafts, site }) {
  const owner = document.body.dataset.owner ?? "";
  if (former?.fate === "taken") drafts.append(store.adopt(owner, String(former.id)));
  if (former?.fate === "left") store.forget(String(former.id));
  if (!globalThis.BroadcastChannel) return;
  const channel = new BroadcastChannel(CHANNEL + site);
  channel.addEventListener("message", ({ data }) => data === document.body.dataset.owner && location.reload());
  if (former?.fate === "taken") channel.postMessage(String(former.id));
}
