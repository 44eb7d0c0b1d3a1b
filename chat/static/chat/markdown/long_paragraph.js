/** Cuts a very long paragraph where no mark is open, so that only its last part is read and laid out again. Pure. */

const PART_CHARS = 3_000;
const LONGEST_PART = 2 * PART_CHARS; // then it is cut although a mark is open
const LETTER = /^\p{L}/u;
const WITHOUT_SPACES = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/**
 * The parts of a paragraph. They depend on the text before each cut only, not on how it arrived.
 * @param {string} text
 */
export function paragraphParts(text) {
  const parts = [];
  let start = 0;
  for (let cut = cutOf(text); cut; cut = cutOf(text.slice(start))) {
    parts.push({ text: text.slice(start, start + cut).trimEnd(), start });
    start += cut;
  }
  parts.push({ text: text.slice(start), start });
  return parts;
}

/** Where the second part begins, before a letter; 0 if the text is one part. @param {string} text */
function cutOf(text) {
  if (text.length <= PART_CHARS) return 0;
  const marks = new OpenMarks();
  let fallback = 0;
  for (let at = 0; at < text.length; at += 1) {
    const width = marks.read(text, at);
    if (at + width > PART_CHARS && /\s/.test(text[at]) && LETTER.test(text.slice(at + 1, at + 3))) {
      if (!marks.open) return at + 1;
      fallback ||= at + 1;
    }
    if (at >= LONGEST_PART && fallback) return fallback;
    if (at >= LONGEST_PART && WITHOUT_SPACES.test(text.slice(at, at + 2))) return at;
    at += width - 1;
  }
  return 0;
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
    while (text[end] === "`") end += 1;
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
