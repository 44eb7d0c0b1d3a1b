/** Delays a replacement of nodes while they are selected. */

/** @param {Node} node */
export function isSelected(node) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(node, true);
}

/** Call once the node is not selected: at once, or when the selection has changed. @param {Node} node @param {() => void} call */
export function whenUnselected(node, call) {
  if (!isSelected(node)) return call();
  const stop = new AbortController();
  const later = () => {
    if (isSelected(node)) return;
    stop.abort();
    call();
  };
  document.addEventListener("selectionchange", later, { signal: stop.signal });
}
