/** Colours a finished block of code with lowlight, highlight.js as a tree; both, and the grammar, load when needed. */

import { element } from "../dom/elements.js";
import { isSelected, whenUnselected } from "./selection.js";

const LONGEST = 30_000; // characters: 70 ms, in one piece; longer code stays plain
const PATIENCE_MS = 2_000; // for an idle moment

/** @type {ReturnType<typeof load> | null} */
let library = null;

/**
 * Colour the code in an element; its text stays the same. Returns when it is coloured, or left plain: an unknown
 * language, long code, a library that cannot be loaded.
 * @param {HTMLElement} code
 * @param {string} language the name at the fence
 */
export async function colour(code, language) {
  const length = code.textContent.length;
  if (!length || length > LONGEST || !language.trim()) return;
  const grammar = await grammarOf(language.trim().toLowerCase()).catch(() => null);
  if (!grammar) return;
  await idle();
  if (isSelected(code)) await new Promise((resolve) => whenUnselected(code, () => resolve(null)));
  const text = code.textContent;
  const coloured = document.createDocumentFragment();
  coloured.append(...grammar.lowlight.highlight(grammar.name, text).children.map(nodeOf));
  if (coloured.textContent === text) code.replaceChildren(coloured);
}

/** The grammar of a name, once it and those inside it are registered; null if there is none. @param {string} word */
async function grammarOf(word) {
  library ??= load();
  const { lowlight, languages } = await library;
  const name = Object.hasOwn(languages.ALIASES, word) ? languages.ALIASES[word] : word;
  if (!Object.hasOwn(languages.GRAMMARS, name)) return null;
  const needed = new Set([name]);
  for (const each of needed) for (const inner of languages.INNER[each] ?? []) needed.add(inner);
  const missing = [...needed].filter((each) => !lowlight.registered(each));
  const grammars = await Promise.all(missing.map((each) => languages.GRAMMARS[each]()));
  for (const [at, each] of missing.entries()) lowlight.register(each, grammars[at].default);
  return { lowlight, name };
}

async function load() {
  try {
    const [{ createLowlight }, languages] = await Promise.all([
      import("../vendor/lowlight/lowlight.js"),
      import("../vendor/highlight/languages.js"),
    ]);
    return { lowlight: createLowlight(), languages };
  } catch (error) {
    library = null; // the next block tries again
    throw error;
  }
}

function idle() {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(resolve, { timeout: PATIENCE_MS });
    else setTimeout(resolve);
  });
}

/** @param {import("../vendor/lowlight/lowlight.js").Node} node @returns {Node} */
function nodeOf(node) {
  if (node.type === "text") return document.createTextNode(node.value);
  const made = element("span", node.properties.className.join(" "));
  made.append(...node.children.map(nodeOf));
  return made;
}
