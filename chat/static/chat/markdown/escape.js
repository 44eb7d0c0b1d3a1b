/** Hides the characters of a literal text from the Markdown parser. Pure. */

const MEANINGFUL = "\\`*_~[]!<$&|-+#>.()";
const FIRST = 0xfdd0; // of 32 noncharacters, which no text may contain

const escapes = new Map([...MEANINGFUL].map((char, index) => [char, String.fromCharCode(FIRST + index)]));
const ESCAPED = new RegExp(`[\\u{fdd0}-\\u{${(FIRST + MEANINGFUL.length - 1).toString(16)}}]`, "gu");

/** Replace Markdown characters by Unicode noncharacters. @param {string} text */
export const escapeMarkdown = (text) => text.replace(/[\\`*_~[\]!<$&|\-+#>.()]/g, (char) => escapes.get(char) ?? char);

/** @param {string} text */
export const unescapeMarkdown = (text) => text.replace(ESCAPED, (char) => MEANINGFUL[char.charCodeAt(0) - FIRST]);
