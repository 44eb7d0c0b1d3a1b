/**
 * Escapes characters that the parser must not read as Markdown. Pure.
 *
 * in:  text to show literally
 * out: the text with its Markdown characters replaced by Unicode noncharacters, and back
 */

const MEANINGFUL = "\\`*_~[]!<$&|-+#>.()";
const FIRST = 0xfdd0; // the first of 32 noncharacters, which no text may contain

const escapes = new Map([...MEANINGFUL].map((char, index) => [char, String.fromCharCode(FIRST + index)]));
const ESCAPED = new RegExp(`[\\u{fdd0}-\\u{${(FIRST + MEANINGFUL.length - 1).toString(16)}}]`, "gu");

/** The parser sees no Markdown in the result. */
export const escapeMarkdown = (text) => text.replace(/[\\`*_~[\]!<$&|\-+#>.()]/g, (char) => escapes.get(char));

/** The original text. */
export const unescapeMarkdown = (text) => text.replace(ESCAPED, (char) => MEANINGFUL[char.charCodeAt(0) - FIRST]);
