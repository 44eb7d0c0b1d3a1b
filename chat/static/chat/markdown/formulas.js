/** Typesets formulas with KaTeX, which loads with the first. A formula that is refused, wrong or too long keeps its source. */

import { element } from "../dom/elements.js";
import { whenUnselected } from "./selection.js";

const LONGEST = 2_000; // characters: 50 ms or less; the longest known takes 0.3 s
const FRAME_MS = 8; // for typesetting in one frame, or one formula
const MOST_EMS = 20; // of a size in the formula
const MOST_EXPANSIONS = 1_000; // of KaTeX's own macros
// one character of a formula can become thousands
const DEFINITION = /\\(?:[gex]?def|let|futurelet|(?:re)?newcommand|providecommand)(?![A-Za-z])/;

/** @type {{ holder: HTMLElement, source: string, display: boolean }[]} */
const waiting = [];
/** @type {Promise<typeof import("../vendor/katex/katex.js").default> | null} */
let katex = null;
/** @type {typeof import("../vendor/katex/katex.js").default | null} */
let loaded = null;
let isScheduled = false;
let spent = 0; // ms of this frame

/**
 * Replace the source in an element by its formula: at once, so that the text behind it does not move, or in one of the
 * next frames.
 * @param {HTMLElement} holder shows the source meanwhile
 * @param {string} source without its delimiters
 * @param {boolean} display whether it stands on a separate line
 */
export function typeset(holder, source, display) {
  holder.classList.add("formula");
  if (display) holder.classList.add("display");
  holder.dir = "ltr";
  if (source.length > LONGEST || DEFINITION.test(source)) return;
  if (loaded && !isScheduled && spent < FRAME_MS) return typesetNow(loaded, { holder, source, display });
  waiting.push({ holder, source, display });
  if (isScheduled) return;
  isScheduled = true;
  katex ??= load();
  katex.then(schedule, failed);
}

/**
 * @param {typeof import("../vendor/katex/katex.js").default} made
 * @param {(typeof waiting)[0]} formula
 */
function typesetNow(made, formula) {
  if (!spent) requestAnimationFrame(() => (spent = 0));
  const begun = performance.now();
  const isWide = replace(made, formula);
  spent += performance.now() - begun;
  if (isWide) requestAnimationFrame(() => letScroll(formula.holder));
}

/** By keyboard, if it is wider than its box. @param {HTMLElement} holder */
function letScroll(holder) {
  if (holder.scrollWidth > holder.clientWidth) holder.tabIndex = 0;
}

async function load() {
  const styles = element("link");
  styles.rel = "stylesheet";
  styles.href = new URL("../vendor/katex/katex.css", import.meta.url).href;
  const styled = new Promise((resolve, reject) => {
    styles.addEventListener("load", resolve);
    styles.addEventListener("error", reject);
  });
  document.head.append(styles);
  try {
    const [{ default: made }] = await Promise.all([import("../vendor/katex/katex.js"), styled]);
    loaded = made;
    return made;
  } catch (error) {
    styles.remove();
    throw error;
  }
}

/** The next formula, or the network, tries again. */
function failed() {
  katex = null;
  isScheduled = false;
  addEventListener("online", retry, { once: true });
}

function retry() {
  const [next] = waiting.splice(0, 1);
  if (next) typeset(next.holder, next.source, next.display);
}

/** @param {typeof import("../vendor/katex/katex.js").default} made */
function schedule(made) {
  requestAnimationFrame(() => {
    const end = performance.now() + FRAME_MS;
    const done = [];
    do {
      const next = waiting.shift();
      if (next && replace(made, next)) done.push(next.holder);
    } while (waiting.length && performance.now() < end);
    done.forEach(letScroll);
    if (waiting.length) schedule(made);
    else isScheduled = false;
  });
}

/**
 * @param {typeof import("../vendor/katex/katex.js").default} made
 * @param {{ holder: HTMLElement, source: string, display: boolean }} formula
 * @returns {boolean} whether it may need to scroll
 */
function replace(made, { holder, source, display }) {
  const formula = element("span");
  try {
    made.render(source, formula, {
      displayMode: display,
      throwOnError: true,
      trust: refuse,
      strict: "ignore",
      maxSize: MOST_EMS,
      maxExpand: MOST_EXPANSIONS,
      output: "htmlAndMathml",
    });
  } catch {
    return false; // also for a formula that is nested too deeply
  }
  whenUnselected(holder, () => holder.replaceChildren(...formula.childNodes));
  return display;
}

/** Links, pictures and attributes: KaTeX alone would leave out what they hold. @returns {never} */
function refuse() {
  throw new RangeError("a command that is not allowed");
}
