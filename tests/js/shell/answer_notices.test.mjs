/** When a notification is shown, and what it holds. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { AnswerNotices } from "../../../chat/static/chat/shell/answer_notices.js";

/** @type {{ title: string, options: NotificationOptions, press: () => void }[]} */
let shown = [];
/** @type {string[]} */
let opened = [];

class FakeNotification extends EventTarget {
  static permission = "granted";
  static async requestPermission() {
    FakeNotification.permission = "granted";
  }
  /** @param {string} title @param {NotificationOptions} options */
  constructor(title, options) {
    super();
    shown.push({ title, options, press: () => this.dispatchEvent(new Event("click")) });
  }
  close() {}
}

/** @param {boolean} isHidden */
function notices(isHidden) {
  const button = /** @type {any} */ (Object.assign(new EventTarget(), { hidden: true }));
  return { button, made: new AnswerNotices(button, { open: (id) => opened.push(id), isHidden: () => isHidden }) };
}

/** @param {object} changes @returns {any} */
const conversation = (changes) => ({ id: "conv_1", title: "Weirs", running: false, unread: true, ...changes });

Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true }); // Node 20 has none

beforeEach(() => {
  Object.assign(globalThis, { Notification: FakeNotification, focus: () => opened.push("window") });
  FakeNotification.permission = "granted";
  shown = [];
  opened = [];
});

test("an answer that ends while the page is hidden is named by its title alone", () => {
  notices(true).made.changed({ running: true }, conversation({}));
  assert.equal(shown.length, 1);
  assert.equal(shown[0].title, "Weirs");
  assert.deepEqual(shown[0].options, { body: "The answer is ready.", tag: "conv_1" });
  shown[0].press();
  assert.deepEqual(opened, ["window", "conv_1"]);
});

test("nothing else is", () => {
  notices(false).made.changed({ running: true }, conversation({}));
  const { made } = notices(true);
  made.changed({ running: true }, conversation({ running: true }));
  made.changed({ running: true }, conversation({ deleted: true }));
  made.changed({ running: false }, conversation({}));
  made.changed(null, conversation({}));
  FakeNotification.permission = "denied";
  made.changed({ running: true }, conversation({}));
  assert.deepEqual(shown, []);
});

test("the button is there while nobody has decided", async () => {
  assert.equal(notices(true).button.hidden, true);
  FakeNotification.permission = "default";
  const { button } = notices(true);
  assert.equal(button.hidden, false);
  button.dispatchEvent(new Event("click"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(button.hidden, true);
});
