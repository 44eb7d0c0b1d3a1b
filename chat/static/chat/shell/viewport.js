/**
 * The on-screen keyboard: where it covers the page, the dock moves above it.
 *
 * in:  the visual viewport's size and position
 * out: `--keyboard` of <html>, in px
 */

/** How much of the layout viewport's end is covered. Zoom shrinks the visual viewport too: 0 while zoomed. */
export function coveredPx(layoutHeight, { height, offsetTop, scale }) {
  return scale > 1 ? 0 : Math.max(0, Math.round(layoutHeight - height - offsetTop));
}

/** `changed()` is called after the size has changed: the end of the conversation has moved. */
export function watchViewport(changed) {
  const { visualViewport } = window;
  if (!visualViewport) return;
  const fit = () => {
    const covered = coveredPx(document.documentElement.clientHeight, visualViewport);
    document.documentElement.style.setProperty("--keyboard", `${covered}px`);
    changed();
  };
  visualViewport.addEventListener("resize", fit);
  visualViewport.addEventListener("scroll", fit);
}
