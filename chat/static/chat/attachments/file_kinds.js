/** The media type of a file by its content, as the server detects it (chat/files/media_types.py). Pure. */

export const HEAD_BYTES = 64 * 1024; // of a text; the server reads all of it
const TEXT = "text/plain";
const PDF = "application/pdf";

/** Whether bytes have these Latin-1 characters at a place. @param {Uint8Array} bytes @param {number} at @param {string} text */
const has = (bytes, at, text) => [...text].every((char, index) => bytes[at + index] === char.charCodeAt(0));

/** @type {Record<string, (bytes: Uint8Array) => boolean>} */
const HEADS = {
  "image/png": (bytes) => has(bytes, 0, "\x89PNG\r\n\x1a\n") && has(bytes, 12, "IHDR"),
  "image/jpeg": (bytes) => has(bytes, 0, "\xff\xd8\xff"),
  "image/gif": (bytes) => has(bytes, 0, "GIF87a") || has(bytes, 0, "GIF89a"),
  "image/webp": (bytes) => has(bytes, 0, "RIFF") && has(bytes, 8, "WEBPVP8"),
  [PDF]: (bytes) => has(bytes, 0, "%PDF-"),
};

/** Null: the server takes no such file. @param {Uint8Array} head the first HEAD_BYTES */
export function mediaType(head) {
  const found = Object.keys(HEADS).find((type) => HEADS[type](head));
  return found ?? (isText(head) ? TEXT : null);
}

/** @param {string} type */
export const isImage = (type) => type.startsWith("image/");

/** @param {string} type */
export const isTextType = (type) => type === TEXT;

/** UTF-8 without control characters; unless it is `whole`, the last one may be cut. @param {Uint8Array} bytes @param {boolean} whole */
export function isText(bytes, whole = false) {
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32) || byte === 127)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
    return true;
  } catch {
    return false;
  }
}
