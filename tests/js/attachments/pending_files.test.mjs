import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PendingFiles } from "../../../chat/static/chat/attachments/pending_files.js";
import { ApiError } from "../../../chat/static/chat/server/api_client.js";
import { Drafts } from "../../../chat/static/chat/storage/drafts.js";
import { Store } from "../../../chat/static/chat/storage/store.js";
import { uploadText } from "../../../chat/static/chat/turns/status_text.js";
import { Memory } from "../memory.mjs";

const LIMIT = 100;
const PNG = Uint8Array.from("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", (char) => char.charCodeAt(0));
let memory = new Memory();
/** @type {{ images: boolean, context: number | null }} */
let model;
/** @type {unknown[][]} */
let calls;
/** @type {((file: File) => Promise<StoredFile>)} */
let store;

beforeEach(() => {
  memory = new Memory();
  model = { images: true, context: null };
  calls = [];
  store = async (file) => ({ id: `file-${file.size}`, filename: file.name });
});

function page() {
  const drafts = new Drafts(new Store(memory, "1"));
  const files = new PendingFiles({
    api: {
      upload(file, type) {
        calls.push(["upload", file.name, type]);
        return store(file);
      },
      async deleteFile(id) {
        calls.push(["delete", id]);
      },
    },
    drafts,
    limit: LIMIT,
    model: () => model,
    on: {
      changed() {},
      refused: (name, code) => calls.push(["refused", name, code]),
      failed: ({ name, error }) => calls.push(["failed", name, error?.status]),
    },
  });
  files.show(null);
  return files;
}

/** @param {string} name @param {Uint8Array<ArrayBuffer> | string} content */
const file = (name, content = PNG) => new File([content], name);
const picture = { id: "file-16", name: "depths.png", image: true, text: false };

test("a file is uploaded under the type of its content, and taken by a message", async () => {
  const files = page();
  await files.add([file("depths.png"), file("notes.md", "# Depths")]);
  assert.deepEqual(calls, [
    ["upload", "depths.png", "image/png"],
    ["upload", "notes.md", "text/plain"],
  ]);
  assert.deepEqual(files.take(), [picture, { id: "file-8", name: "notes.md", image: false, text: true }]);
  assert.deepEqual(files.list, []);
});

test("a file that the server would refuse is refused by its name, and the others are uploaded", async () => {
  const files = page();
  const names = ["large.txt", "empty.txt", "archive.zip", "depths.png"];
  await files.add([
    file(names[0], "a".repeat(LIMIT + 1)),
    file(names[1], ""),
    file(names[2], "PK\x03\x04"),
    file(names[3]),
  ]);
  assert.deepEqual(
    calls.filter(([call]) => call === "refused"),
    [
      ["refused", "large.txt", "file_too_large"],
      ["refused", "empty.txt", "empty_file"],
      ["refused", "archive.zip", "unsupported_file"],
    ],
  );
  assert.deepEqual(files.take(), [picture]);
});

test("a failed upload keeps the file, and can be retried", async () => {
  const files = page();
  store = async () => Promise.reject(new ApiError(0));
  await files.add([file("depths.png")]);
  const [pending] = files.list;
  assert.equal(uploadText(pending), "Not uploaded. The server is unavailable. Try again in a moment.");
  assert.deepEqual(calls.at(-1), ["failed", "depths.png", 0]);
  store = async ({ name }) => ({ id: "file-16", filename: name });
  await files.upload(pending);
  assert.equal(pending.error, null);
  assert.deepEqual(files.take(), [picture]);
});

test("a refusal of the server is shown in its words", async () => {
  const files = page();
  store = async () => Promise.reject(new ApiError(429, { code: "too_many_files", message: "You have too many." }));
  await files.add([file("depths.png")]);
  assert.equal(uploadText(files.list[0]), "Not uploaded. You have too many.");
});

test("a removed file is deleted on the server; one that is still being uploaded never appears", async () => {
  const files = page();
  await files.add([file("depths.png")]);
  files.remove(files.list[0]);
  assert.deepEqual([files.list, calls.at(-1)], [[], ["delete", "file-16"]]);
  /** @type {(stored: StoredFile) => void} */ let finish = () => {};
  store = () => new Promise((resolve) => (finish = resolve));
  const adding = files.add([file("slow.png")]);
  while (!files.list.length) await null;
  files.remove(files.list[0]);
  await null;
  finish({ id: "file-16", filename: "slow.png" });
  await adding;
  assert.deepEqual(files.list, []);
});

test("the same content is shown once", async () => {
  const files = page();
  await files.add([file("depths.png"), file("copy.png")]);
  assert.deepEqual(files.take(), [picture]);
});

test("each conversation has its files, and a reload keeps the uploaded ones, without deleting them", async () => {
  const files = page();
  await files.add([file("depths.png")]);
  files.show("c1");
  assert.deepEqual(files.list, []);
  files.show(null);
  assert.equal(files.list.length, 1);
  const reloaded = page();
  assert.deepEqual(
    reloaded.list.map(({ attachment }) => attachment),
    [picture],
  );
  reloaded.remove(reloaded.list[0]);
  assert.notEqual(calls.at(-1)?.[0], "delete", "another page may have it");
  assert.deepEqual(page().list, []);
});

test("the files of a new conversation stay with it when it gets its id", async () => {
  const files = page();
  await files.add([file("depths.png")]);
  files.name("c1");
  assert.equal(files.list.length, 1);
  files.show(null);
  assert.deepEqual(files.list, []);
});

test("a model without pictures takes text files, and others are refused by name before their upload", async () => {
  model = { images: false, context: null };
  const files = page();
  await files.add([file("depths.png"), file("notes.md", "# Depths")]);
  assert.deepEqual(calls, [
    ["refused", "depths.png", "text_only"],
    ["upload", "notes.md", "text/plain"],
  ]);
});

test("a text beyond the model's context, or broken at its end, is refused by name before its upload", async () => {
  model = { images: false, context: 16 };
  const files = page();
  await files.add([file("fits.txt", "a".repeat(72)), file("long.txt", "a".repeat(73))]);
  const broken = Uint8Array.from("Zwei Meter \xe2", (char) => char.charCodeAt(0));
  await files.add([file("broken.txt", broken)]);
  assert.deepEqual(calls, [
    ["refused", "long.txt", "exceeds_context"],
    ["upload", "fits.txt", "text/plain"],
    ["refused", "broken.txt", "unsupported_file"],
  ]);
});
