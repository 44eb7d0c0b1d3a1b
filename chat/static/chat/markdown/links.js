/** Decides which addresses become links. Pure. */

const LONGEST = 2_000; // characters; browsers and servers guarantee no more
const TRAILING = /[.,;:!?'"*_~`|<>\]}]+$/;

/**
 * `host` is the visible site or mail address. Null: it stays text, like relative addresses, which lead to this site.
 * @param {string} address
 */
export function safeLink(address) {
  const text = address.trim();
  if (text.length > LONGEST || !/^(https?:\/\/|mailto:)/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === "mailto:") return url.pathname ? { href: url.href, host: decoded(url.pathname) } : null;
  if (url.username || url.password) return null; // https://bank.example@evil.example is misleading
  return { href: url.href, host: url.host };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the text of a link shows its host, as a bare address does. @param {string} text @param {string} host */
export function showsHost(text, host) {
  const start = text
    .trim()
    .toLowerCase()
    .replace(/^(https?:\/\/|mailto:)/, "");
  return start === host || start.startsWith(`${host}/`);
}

/**
 * Split a bare address from the punctuation of its sentence.
 * @param {string} text
 * @returns {[address: string, rest: string]}
 */
export function withoutPunctuation(text) {
  let end = text.replace(TRAILING, "").length;
  const opened = text.slice(0, end).split("(").length;
  const closed = text.slice(0, end).split(")").length;
  if (text[end - 1] === ")" && closed > opened) end = text.slice(0, end - 1).replace(TRAILING, "").length;
  return [text.slice(0, end), text.slice(end)];
}
