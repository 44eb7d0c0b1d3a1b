/** Rules for Chinese, Japanese and Korean letters. Pure. */

const LETTERS = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
/** One letter or mark of Chinese, Japanese or Korean, which have no spaces around emphasis and formulas. */
export const CJK = String.raw`[${LETTERS}\u3000-\u303f\uff01-\uff65]`;

const PUNCTUATION = String.raw`(?![*_~])[\p{P}\p{S}]`;
const CJK_LETTER = `[${LETTERS}]`;
const BEFORE_CJK = new RegExp(String.raw`${PUNCTUATION}(?=\*+${CJK_LETTER})`, "gu");
const AFTER_CJK = new RegExp(String.raw`${PUNCTUATION}(?<=${CJK_LETTER}\*+[^*])`, "gu");
const ENDS_WITH_CJK = new RegExp(`${CJK_LETTER}$`, "u");

/** @param {string} text */
export const endsWithCjk = (text) => ENDS_WITH_CJK.test(text);

/**
 * Let asterisks between punctuation and a letter of these scripts begin and end emphasis.
 * @param {string} masked
 */
export function maskCjk(masked) {
  const hide = (/** @type {string} */ mark) => "a".repeat(mark.length);
  return masked.replace(BEFORE_CJK, hide).replace(AFTER_CJK, hide);
}
