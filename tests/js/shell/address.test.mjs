import assert from "node:assert/strict";
import { test } from "node:test";

import { idIn } from "../../../chat/static/chat/shell/address.js";

const pattern = "/conversations/{id}/";

test("a path names a conversation, or a new one", () => {
  assert.equal(idIn(pattern, "/conversations/0198-ab/"), "0198-ab");
  for (const path of ["/", "/conversations/", "/conversations/0198/responses/", "/elsewhere/0198/", "/conversations"]) {
    assert.equal(idIn(pattern, path), null, path);
  }
});
