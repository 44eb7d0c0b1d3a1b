import assert from "node:assert/strict";
import { test } from "node:test";

import { safeLink, showsHost, withoutPunctuation } from "../../../chat/static/chat/markdown/links.js";

test("only http, https and mailto become links", () => {
  assert.deepEqual(safeLink("https://Example.org/a?b#c"), { href: "https://example.org/a?b#c", host: "example.org" });
  assert.deepEqual(safeLink("http://h:81/"), { href: "http://h:81/", host: "h:81" });
  assert.deepEqual(safeLink("mailto:a@b.org?subject=x"), { href: "mailto:a@b.org?subject=x", host: "a@b.org" });
  const refused = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://x/1",
    "tel:123",
    "//evil.example/",
    "/admin/logout/",
    "relative",
    "#fragment",
    "",
    "https://",
    "https:x",
    "mailto:",
    `https://x/${"a".repeat(3000)}`,
  ];
  for (const address of refused) assert.equal(safeLink(address), null, address);
});

test("an address that is made to be misread is no link", () => {
  assert.equal(safeLink("https://bank.example@evil.example/"), null);
  assert.equal(safeLink("https://bank.example:pw@evil.example/"), null);
});

test("the host is the one that the browser goes to, in letters that cannot be confused", () => {
  assert.equal(safeLink("https://bänk.example/")?.host, "xn--bnk-qla.example");
});

test("a text shows the host only if it begins with it", () => {
  assert.ok(showsHost("https://a.org/x", "a.org"));
  assert.ok(showsHost("a.org", "a.org"));
  assert.ok(!showsHost("https://a.org.evil.org", "a.org"));
  assert.ok(!showsHost("https://good.org", "evil.org"));
  assert.ok(!showsHost("click", "a.org"));
});

test("the punctuation of the sentence is not of the address", () => {
  assert.deepEqual(withoutPunctuation("https://a.org."), ["https://a.org", "."]);
  assert.deepEqual(withoutPunctuation("https://a.org/b_(c)."), ["https://a.org/b_(c)", "."]);
  assert.deepEqual(withoutPunctuation("https://a.org/b)."), ["https://a.org/b", ")."]);
  assert.deepEqual(withoutPunctuation("https://a.org**"), ["https://a.org", "**"]);
});
