import assert from "node:assert/strict";
import { test } from "node:test";

import { HEAD_BYTES, mediaType } from "../../../chat/static/chat/attachments/file_kinds.js";

/** Latin-1. @param {string} text */
const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("a file is of the type of its content, as on the server", () => {
  assert.equal(mediaType(bytes("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")), "image/png");
  assert.equal(mediaType(bytes("\xff\xd8\xff\xe0\0\x10JFIF")), "image/jpeg");
  assert.equal(mediaType(bytes("GIF89a\x01\0")), "image/gif");
  assert.equal(mediaType(bytes("RIFF\x24\0\0\0WEBPVP8 ")), "image/webp");
  assert.equal(mediaType(bytes("%PDF-1.7\n\0\xff")), "application/pdf");
  assert.equal(mediaType(utf8("Zwei Meter: ≈ 2 m.\n")), "text/plain");
  assert.equal(mediaType(utf8("<svg><script/></svg>")), "text/plain");
});

test("a file that the server refuses is of no type", () => {
  for (const content of ["\x7fELF\x02\x01", "PK\x03\x04", "\x89PNG\r\n\x1a\n", "RIFF\x24\0\0\0WAVEfmt ", "tief \xfcber"])
    assert.equal(mediaType(bytes(content)), null, content);
  assert.equal(mediaType(utf8("≈\0")), null);
});

test("a text may be cut inside a character", () => {
  assert.equal(mediaType(utf8("≈".repeat(HEAD_BYTES)).slice(0, HEAD_BYTES)), "text/plain");
});
