/**
 * Which addresses of a model's text become links, and the host that each shows. Pure.
 *
 * in:  an address, as the text has it
 * out: `{href, host}` for markdown.js, or null: it stays text
 */

const LONGEST = 2_000; // browsers and servers guarantee no more
const TRAILING = /[.,;:!?'"*_~`|<>\]}]+$/;

/** `host` is what the reader sees: the site, or the mail address. Relative addresses are refused: they lead to this site. */
export function safeLink(address) {
  const text = address.trim();
  if (text.length > LONGEST || !/^(https?:\/\/|mailto:)/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === "mailto:") return url.pathname ? { href: url.href, host: decoded(url.pathname) } : null;
  if (url.username || url.password) return null; // https://bank.example@evil.example is misleading
  return { href: url.href, host: url.host };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the text of a link already shows its host, as a bare address does. */
export function showsHost(text, host) {
  const start = text
    .trim()
    .toLowerCase()
    .replace(/^(https?:\/\/|mailto:)/, "");
  return start === host || start.startsWith(`${host}/`);
}

/** Split a bare address from the punctuation of its sentence: `[address, rest]`. */
export function withoutPunctuation(text) {
  let end = text.replace(TRAILING, "").length;
  const opened = text.slice(0, end).split("(").length;
  const closed = text.slice(0, end).split(")").length;
  if (text[end - 1] === ")" && closed > opened) end = text.slice(0, end - 1).replace(TRAILING, "").length;
  return [text.slice(0, end), text.slice(end)];
}
