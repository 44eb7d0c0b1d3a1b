/** A conversation's title before it is named, cut as the server does. Pure. */

const MAX_CHARS = 60;

/** The first whole words, in one line. @param {string} text */
export function titleOf(text) {
  const line = text.split(/\s+/).filter(Boolean).join(" ");
  const characters = [...line]; // code points, as in Python
  if (characters.length <= MAX_CHARS) return line;
  const cut = characters.slice(0, MAX_CHARS).join("");
  const end = cut.lastIndexOf(" ");
  return `${end > 0 ? cut.slice(0, end) : characters.slice(0, MAX_CHARS - 1).join("")}…`;
}
