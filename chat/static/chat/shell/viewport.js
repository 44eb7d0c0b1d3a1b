/** The on-screen keyboard: sets `--keyboard` of <html>, in px, so that the dock moves above it. */

/**
 * The covered end of the layout viewport; 0 while zoomed, which shrinks the visual viewport too.
 * @param {number} layoutHeight
 * @param {Pick<VisualViewport, "height" | "offsetTop" | "scale">} viewport
 */
export function coveredPx(layoutHeight, { height, offsetTop, scale }) {
  return scale > 1 ? 0 : Math.max(0, Math.round(layoutHeight - height - offsetTop));
}

/** `changed()`: the end may have moved. @param {() => void} changed */
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
