/** Cuts a very long paragraph where no mark is open, so that only its last part is read and laid out again. Pure. */

export const PART_CHARS = 3_000;
const LONGEST_PART = 2 * PART_CHARS; // then it is cut although a mark is open
const LETTER = /^\p{L}/u;
const CONTINUES = /^[\p{M}\p{Cf}\p{Emoji_Modifier}\udc00-\udfff]/u; // the character before it
const LOW_SURROGATE = /[\udc00-\udfff]/;
const LOOK_AHEAD = 3; // characters that decide on a cut
const LONGEST_RUN = 1_000; // of backticks, or of marks on a character

/**
 * The parts of a paragraph. They depend on the text before each cut and two characters behind it only, not on how it arrived.
 * `gap` is the space behind a part.
 * @param {string} text
 */
export function paragraphParts(text) {
  const parts = [];
  let start = 0;
  for (let cut = cutOf(text); cut; cut = cutOf(text.slice(start))) {
    const all = text.slice(start, start + cut);
    const part = all.trimEnd();
    parts.push({ text: part, gap: all.slice(part.length) });
    start += cut;
  }
  parts.push({ text: text.slice(start), gap: "" });
  return parts;
}

/** Where the second part begins: before a word outside of marks, else before any word, else inside one; 0 if the text is one part. @param {string} text */
function cutOf(text) {
  if (text.length <= PART_CHARS) return 0;
  const marks = new OpenMarks();
  let fallback = 0;
  for (let at = 0; at + LOOK_AHEAD <= text.length; at += 1) {
    const width = marks.read(text, at);
    if (at + width > PART_CHARS && /\s/.test(text[at]) && /\S/.test(text[at + 1])) {
      if (!marks.open && LETTER.test(text.slice(at + 1, at + 3))) return at + 1;
      fallback ||= at + 1;
    }
    if (at >= LONGEST_PART && fallback) return fallback;
    if (at >= LONGEST_PART && isBetweenCharacters(text, at)) return at;
    at += width - 1;
  }
  return 0;
}

/** Not inside a pair of surrogates, nor in a sequence unless it is very long. @param {string} text @param {number} at */
function isBetweenCharacters(text, at) {
  if (at >= LONGEST_PART + LONGEST_RUN) return !LOW_SURROGATE.test(text[at]);
  return /\S/.test(text[at]) && text[at - 1] !== "\u200d" && !CONTINUES.test(text.slice(at, at + 2));
}

/** Counts the marks that may be open, without the rules for each. */
class OpenMarks {
  #code = 0; // the length of the open run of backticks
  #brackets = 0;
  #maths = 0;
  /** @type {Record<string, boolean>} */ #odd = { "*": false, "~": false, $: false };

  get open() {
    return this.#code > 0 || this.#brackets > 0 || this.#maths > 0 || Object.values(this.#odd).some(Boolean);
  }

  /** Read the mark at a place; returns its length. @param {string} text @param {number} at */
  read(text, at) {
    const char = text[at];
    if (char === "`") return this.#readBackticks(text, at);
    if (this.#code) return 1;
    if (char === "\\") return this.#readEscape(text[at + 1]);
    if (char === "[") this.#brackets += 1;
    else if (char === "]") this.#brackets = Math.max(0, this.#brackets - 1);
    else if (char in this.#odd) this.#odd[char] = !this.#odd[char];
    return 1;
  }

  /** @param {string} text @param {number} at */
  #readBackticks(text, at) {
    let end = at;
    while (text[end] === "`" && end - at < LONGEST_RUN) end += 1;
    if (!this.#code) this.#code = end - at;
    else if (this.#code === end - at) this.#code = 0;
    return end - at;
  }

  /** @param {string | undefined} next */
  #readEscape(next) {
    if (next === "(" || next === "[") this.#maths += 1;
    else if (next === ")" || next === "]") this.#maths = Math.max(0, this.#maths - 1);
    return 2;
  }
}
