/**
 * The keyboard on the screen of a phone: where the browser lays it over the page, the dock is lifted above it.
 *
 * in:  the visual viewport's size and place
 * out: `--keyboard` of <html>, in px
 */

/** How much of the layout viewport's end is covered. A zoomed page has no keyboard to make room for. */
export function coveredPx(layoutHeight, { height, offsetTop, scale }) {
  return scale > 1 ? 0 : Math.max(0, Math.round(layoutHeight - height - offsetTop));
}

/** `changed()` after the room has changed: the end of the conversation is somewhere else now. */
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
