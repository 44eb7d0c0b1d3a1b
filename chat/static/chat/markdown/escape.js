/**
 * Characters that must not be read as Markdown travel through the parser in disguise. Pure.
 *
 * in:  text that is to be shown as it stands
 * out: the same with its Markdown characters exchanged for noncharacters of Unicode, and back
 */

const MEANINGFUL = "\\`*_~[]!<$&|-+#>.()";
const FIRST = 0xfdd0; // the first of the 32 noncharacters that no text may hold

const disguises = new Map([...MEANINGFUL].map((char, index) => [char, String.fromCharCode(FIRST + index)]));
const HIDDEN = new RegExp(`[\\u{fdd0}-\\u{${(FIRST + MEANINGFUL.length - 1).toString(16)}}]`, "gu");

/** The text in disguise: the parser sees no Markdown in it. */
export const literal = (text) => text.replace(/[\\`*_~[\]!<$&|\-+#>.()]/g, (char) => disguises.get(char));

/** The text as it was. */
export const plain = (text) => text.replace(HIDDEN, (char) => MEANINGFUL[char.charCodeAt(0) - FIRST]);
