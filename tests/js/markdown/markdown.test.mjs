import assert from "node:assert/strict";
import { test } from "node:test";

import { Markdown } from "../../../chat/static/chat/markdown/markdown.js";
import { seeded } from "../random.mjs";

/** The built elements, as tags; `step` characters arrive at once. @param {string} text */
function built(text, step = 1) {
  let tags = "";
  /** @type {string[]} */
  const open = [];
  /** @type {Sink} */
  const sink = {
    open(kind) {
      open.push(kind);
      tags += `<${kind}>`;
    },
    set(name, value) {
      tags += `{${name}=${value}}`;
    },
    text(words) {
      tags += words;
    },
    image({ alt, link }) {
      tags += `<img alt="${alt}" of="${link.host}">`;
    },
    close(ending) {
      if (ending) tags += ending.link ? `{→${ending.link.href}}` : `{${ending.before}…${ending.after}}`;
      tags += `</${open.pop()}>`;
    },
  };
  const markdown = new Markdown(sink);
  const characters = [...text];
  for (let at = 0; at < characters.length; at += step) markdown.write(characters.slice(at, at + step).join(""));
  markdown.end();
  assert.deepEqual(open, [], "everything is closed");
  return tags;
}

const CASES = [
  [
    "paragraphs and marks",
    "A **b** *c* `d` ~~e~~\nf\n\ng",
    "<p>A <strong>b</strong> <em>c</em> <code>d</code> <del>e</del><br></br>f</p><p>g</p>",
  ],
  ["headings", "# A\n## B\ntext", "<h1>A</h1><h2>B</h2><p>text</p>"],
  ["lists", "- a\n- b\n  1. c\n\nd", "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul><p>d</p>"],
  [
    "a paragraph behind a nested list",
    "- b\n  1. c\n\n**d**\n\n12 e",
    "<ul><li>b<ol><li>c</li></ol></li></ul><p><strong>d</strong></p><p>12 e</p>",
  ],
  ["a paragraph of an item", "- b\n  - c\n\n  d\n- e", "<ul><li>b<ul><li>c</li></ul><p>d</p></li><li>e</li></ul>"],
  [
    "items with empty lines between them",
    "1. a\n\n2. b\n   - c\n\n3. d",
    "<ol><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ol>",
  ],
  [
    "a list behind a list",
    "1. a\n   - b\n\nc d\n\n1. d\n\n- [x] e",
    "<ol><li>a<ul><li>b</li></ul></li></ol><p>c d</p><ol><li>d</li></ol><ul><li><checkbox>{checked=true}</checkbox> e</li></ul>",
  ],
  ["an emoji behind an empty line", "- a\n\n🌊 b", "<ul><li>a</li></ul><p>🌊 b</p>"],
  ["a list in a quote", "> a\n> - b\n\nc", "<blockquote><p>a</p><ul><li>b</li></ul></blockquote><p>c</p>"],
  ["tasks", "- [x] a\n- [ ] b", "<ul><li><checkbox>{checked=true}</checkbox> a</li><li><checkbox></checkbox> b</li></ul>"],
  [
    "tables",
    "| a | b |\n|---|---|\n| c | d |\n\ne",
    "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table><p>e</p>",
  ],
  ["quotes and rules", "> a\n\n---\nb", "<blockquote><p>a</p></blockquote><hr></hr><p>b</p>"],
  ["code", "```js\n$a = `\\(1 & <b>`\n```\nx", "<codeblock>{language=js}$a = `\\(1 & <b>`</codeblock><p>x</p>"],
  [
    "code in a list",
    "1. a\n   ```sh\n   b\n   ```\n2. c",
    "<ol><li>a<codeblock>{language=sh}b</codeblock></li></ol><ol>{start=2}<li>c</li></ol>",
  ],
  ["code that has not ended", "```js\nlet a", "<codeblock>{language=js}let a</codeblock>"],
  ["a fence behind text in code", "```\na```\n```", "<codeblock>a```</codeblock>"],
  [
    "links",
    '[a](https://b.org/ "c") https://d.org.',
    "<p><a>a{→https://b.org/}</a> <a>https://d.org{→https://d.org/}</a>.</p>",
  ],
  ["a link that may not be followed", "[a](javascript:b) c", "<p><a>a{[…](javascript:b)}</a> c</p>"],
  ["a bare address of nothing", "http://?", "<p>http://?</p>"],
  [
    "brackets that are no link",
    "see [1], a[i](b c\nd [e",
    "<p>see <a>1{[…]}</a>, a<a>i](b c{[…}</a><br></br>d <a>e{[…}</a></p>",
  ],
  [
    "pictures",
    "![a](https://b.org/c.png) ![d](data:e) [![f\ng] ![h",
    '<p><img alt="a" of="b.org"> ![d](data:e) <a>![f<br></br>g{[…]}</a> ![h</p>',
  ],
  ["HTML", "<script>a</script> <b onclick=c> <br> &lt;", "<p><script>a</script> <b onclick=c> <br></br> &lt;</p>"],
  [
    "maths",
    "\\(a_1*b*c\\) $x_1*y*z$ $$\na_b\n- c_d\n$$ **e**",
    "<p>\\(a_1*b*c\\) $x_1*y*z$ $$<br></br>a_b<br></br>- c_d<br></br>$$ <strong>e</strong></p>",
  ],
  [
    "maths that has not ended",
    "\\[a\n\n**b** $c\n**d**",
    "<p>\\[a</p><p><strong>b</strong> $c<br></br><strong>d</strong></p>",
  ],
  ["prices", "$5 and **$6** or US$ *7*", "<p>$5 and <strong>$6</strong> or US$ <em>7</em></p>"],
  ["escapes", "\\*a\\* \\d \\", "<p>*a* \\d \\</p>"],
  ["words with marks in them", "snake_case 2 * 3 AT&T &", "<p>snake_case 2 * 3 AT&T &</p>"],
];

for (const [name, text, expected] of CASES) {
  test(`${name}, however the text is cut`, () => {
    for (const step of [1, 2, 3, 7, 1000]) assert.equal(built(text, step), expected, `${step} at once`);
  });
}

test("any nonsense is read to its end, and no word is lost", () => {
  const random = seeded(11);
  const marks = [
    "\n",
    "\n\n",
    "  ",
    "    ",
    "- ",
    "1. ",
    "> ",
    "# ",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "```\n",
    "|",
    "| a |\n",
  ];
  marks.push(
    "[",
    "](",
    "]",
    ")",
    "![",
    "http://x.y/",
    "$",
    "$$",
    "\\",
    "\\(",
    "\\]",
    "<",
    "<br>",
    "&amp;",
    "\t",
    "- [x] ",
    "---\n",
    "🌊",
  );
  const { assert: complain } = console;
  console.assert = () => {}; // the parser's own remarks
  for (let round = 0; round < 1500; round += 1) {
    const piece = (/** @type {unknown} */ _, /** @type {number} */ index) => [
      random(3) ? "" : `W${index}W`,
      marks[random(marks.length)],
    ];
    const words = Array.from({ length: 1 + random(round % 50 ? 25 : 300) }, piece);
    const text = words.flat().join("");
    const tags = built(text, 1 + random(9));
    let at = 0;
    for (const [word] of words) {
      at = tags.indexOf(word, at);
      assert.ok(at >= 0, `${word} of ${JSON.stringify(text)} in ${tags}`);
    }
  }
  console.assert = complain;
});

test("endless nesting stays text", () => {
  const tags = built(`${"> ".repeat(500)}deep`);
  assert.ok(tags.includes("deep"));
  assert.ok(tags.split("<blockquote>").length < 20);
});
