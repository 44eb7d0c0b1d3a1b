import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { AnswerText } from "../../../chat/static/chat/turns/answer_text.js";

const PAINTS = 100; // more than any of these texts needs

/** @type {{ words: string, plain: string }} */
let built; // the page: the words from Markdown, and the plain text
/** @type {AnswerText} */
let answer;
let failsAtEnd = false;
/** @type {import("node:test").Mock<() => void>} */
let logged;

/** A parser that shows the words without marks, and fails at a `§`; it waits before every second piece. */
function markdown() {
  let pending = "";
  let waits = false;
  let isOver = false;
  const show = () => {
    if (pending.includes("§")) throw new RangeError("level 25");
    built.words += pending.replaceAll("*", "");
    pending = "";
  };
  return {
    write(/** @type {string} */ text) {
      if (isOver && text) throw new Error("it is over");
      if (pending && text) throw new Error("it was not asked whether it waits");
      pending += text;
      waits = !waits && text !== "";
      if (!waits) show();
      return !waits;
    },
    end() {
      if (failsAtEnd) throw new RangeError("level 25");
      isOver = true;
      show();
    },
  };
}

beforeEach(() => {
  built = { words: "", plain: "" };
  failsAtEnd = false;
  logged = mock.method(console, "error", () => {});
  const replaceChildren = () => {
    built = { words: "", plain: "" };
  };
  const root = /** @type {HTMLElement} */ (/** @type {unknown} */ ({ replaceChildren })); // Node has no elements
  answer = new AnswerText(root, { markdown, plain: () => ({ show: (text) => (built.plain = text) }) });
});

afterEach(() => mock.restoreAll());

/** Paint until all is shown, as turn_list.js does. @param {string} text */
function paint(text, { ended = false, edition = 0 } = {}) {
  for (let count = 1; !answer.show(text, edition, ended); count += 1) assert.ok(count < PAINTS, "it comes to an end");
}

/** The answer arrives in pieces of `step` characters. @param {string} text @param {number} step */
function arrive(text, step) {
  for (let at = step; at < text.length; at += step) paint(text.slice(0, at));
  paint(text, { ended: true });
}

test("where the parser fails the text continues as plain text, and no word is lost or doubled", () => {
  for (const step of [1, 7, 5000]) {
    arrive("one two `three` four § five\n\n**six**", step);
    assert.equal(`${built.words}${built.plain}`.replaceAll(/[`\s]/g, ""), "onetwothreefour§five**six**", `${step} at once`);
    paint("", { edition: step });
  }
});

test("the text before the fault stays Markdown, also in a long answer", () => {
  const before = "word **bold** 🌊\n".repeat(1000);
  arrive(`${before}§ last words`, 5000);
  assert.ok(built.words.startsWith("word bold 🌊"));
  assert.equal(built.plain.slice(-12), "§ last words");
  const words = `${built.words}${built.plain}`.match(/bold/g);
  assert.equal(words?.length, 1000);
});

test("a text that the parser cannot end is shown as plain text, whole", () => {
  failsAtEnd = true;
  const text = "one `two ".repeat(7000);
  arrive(text, 5000);
  assert.deepEqual(built, { words: "", plain: text });
});

test("while more arrives, the text behind a fault is shown", () => {
  for (const text of ["see *a*", "see *a*§", "see *a*§ *c*"]) paint(text);
  assert.deepEqual(built, { words: "see a", plain: "§ *c*" });
});

test("a parser that waits gets no more text before it has shown what it has", () => {
  const text = "word ".repeat(5000);
  arrive(text, 1700);
  assert.deepEqual(built, { words: text, plain: "" });
});

test("the next edition is read as Markdown again, and the fault is logged once", () => {
  arrive("one § two", 1);
  assert.equal(logged.mock.callCount(), 1);
  paint("**three**", { edition: 1, ended: true });
  assert.deepEqual(built, { words: "three", plain: "" });
});

test("a text that grows after its end is read from the beginning", () => {
  paint("one", { ended: true });
  paint("one two", { ended: true });
  assert.deepEqual(built, { words: "one two", plain: "" });
  assert.equal(logged.mock.callCount(), 0);
});
