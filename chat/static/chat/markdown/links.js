/**
 * Which addresses of a model's text may be followed, and what is said about them. Pure.
 *
 * in:  an address, as the text has it
 * out: `{href, host}` for markdown.js, or null: then it stays text
 */

const LONGEST = 2_000; // browsers and servers take no more for granted
const TRAILING = /[.,;:!?'"*_~`|<>\]}]+$/;

/** `host` is what the reader gets to see: the site, or the address that gets the mail. No relative addresses: they would be ours. */
export function safeLink(address) {
  const text = address.trim();
  if (text.length > LONGEST || !/^(https?:\/\/|mailto:)/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === "mailto:") return url.pathname ? { href: url.href, host: decoded(url.pathname) } : null;
  if (url.username || url.password) return null; // https://bank.example@evil.example: made to be misread
  return { href: url.href, host: url.host };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the words of a link tell its host already, as a bare address does. */
export function tells(words, host) {
  const said = words.trim().toLowerCase().replace(/^(https?:\/\/|mailto:)/, "");
  return said === host || said.startsWith(`${host}/`);
}

/** A bare address in a sentence, without the punctuation that belongs to the sentence: `[address, rest]`. */
export function withoutPunctuation(text) {
  let end = text.replace(TRAILING, "").length;
  const opened = text.slice(0, end).split("(").length;
  const closed = text.slice(0, end).split(")").length;
  if (text[end - 1] === ")" && closed > opened) end = text.slice(0, end - 1).replace(TRAILING, "").length;
  return [text.slice(0, end), text.slice(end)];
}
