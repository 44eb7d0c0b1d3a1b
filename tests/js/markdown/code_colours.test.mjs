/** The names of fences, and the grammars with what misled the colours before; the tree is that of the vendored library. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ALIASES, GRAMMARS, INNER } from "../../../chat/static/chat/vendor/highlight/languages.js";
import { createLowlight } from "../../../chat/static/chat/vendor/lowlight/lowlight.js";
import { seeded } from "../random.mjs";

const lowlight = createLowlight();
for (const [name, load] of Object.entries(GRAMMARS)) lowlight.register(name, (await load()).default);

/** @param {string} word */
const grammar = (word) => ALIASES[word] ?? word;

/** @param {import("../../../chat/static/chat/vendor/lowlight/lowlight.js").Node} node @returns {string} */
const text = (node) => (node.type === "text" ? node.value : node.children.map(text).join(""));

/** The texts of a class, outermost. @param {string} language @param {string} code @param {string} kind */
function found(language, code, kind) {
  /** @type {string[]} */ const texts = [];
  /** @param {import("../../../chat/static/chat/vendor/lowlight/lowlight.js").Node} node */
  const look = (node) => {
    if (node.type === "text") return;
    if (node.properties.className[0] === `hljs-${kind}`) texts.push(text(node));
    else node.children.forEach(look);
  };
  lowlight.highlight(grammar(language), code).children.forEach(look);
  return texts;
}

const NAMES = `bash sh zsh shell console c h cpp c++ cc cs csharp c# css dart diff patch docker dockerfile elixir ex erlang
  fish fsharp go golang gradle graphql groovy haskell hs html http ini toml java javascript js mjs cjs jsx json jsonc json5
  jsonl julia kotlin kt latex tex less lisp lua makefile make markdown md mdx matlab mysql nginx nim nix objectivec ocaml
  perl php plaintext text txt postgresql postgres powershell ps1 prolog proto protobuf python py python3 pycon r rb ruby rs
  rust scala scheme scss sql sqlite svelte svg swift tcl ts tsx typescript vb verilog vhdl vim vue wasm x86asm xml yaml yml
  apache asciidoc awk bat clojure cmake coffeescript crystal cuda delphi django jinja elm erb f# fortran glsl handlebars
  haxe vbnet arduino ada`.split(/\s+/);

test("the fences that models write have a grammar", () => {
  assert.deepEqual(
    NAMES.filter((name) => !Object.hasOwn(GRAMMARS, grammar(name))),
    [],
  );
});

test("what is inside a language has a grammar, too", () => {
  const inner = [...Object.keys(INNER), ...Object.values(INNER).flat(), ...Object.values(ALIASES)];
  assert.deepEqual(
    inner.filter((name) => !Object.hasOwn(GRAMMARS, name)),
    [],
  );
});

/** @type {[string, string, string, string[]][]} */
const TRAPS = [
  ["rust", "fn longest<'a>(x: &'a str) -> &'a str { x } // end", "string", []],
  ["rust", "fn longest<'a>(x: &'a str) -> &'a str { x } // end", "comment", ["// end"]],
  ["jsx", "const a = <p>It's {count} o'clock</p>; // end", "comment", ["// end"]],
  ["jsx", "const a = <p>It's {count} o'clock</p>;", "string", []],
  ["yaml", "title: It's here\nother: 1\n", "number", ["1"]],
  ["bash", "cat <<EOF\nIt's here\nEOF\nexit 1 # end\n", "comment", ["# end"]],
  ["js", "const quote = /[\"']/; // end", "regexp", ["/[\"']/"]],
  ["js", "const quote = /[\"']/; // end", "comment", ["// end"]],
  ["go", "s := `a\\` // end\n", "comment", ["// end"]],
  ["php", "<?php # a comment\n$x = 1;\n", "comment", ["# a comment"]],
  ["python", 'a = """it\'s\n# no comment""" # end', "comment", ["# end"]],
  ["sql", "select 'it''s' -- end", "comment", ["-- end"]],
  ["c", "char c = '\"'; /* end */", "comment", ["/* end */"]],
  ["toml", '# one\nkey = "a # b"\n', "comment", ["# one"]],
  ["html", "<p title=\"it's\">it's</p><!-- end -->", "comment", ["<!-- end -->"]],
  ["ts", "type A<T> = T extends string ? 'x' : never // end", "comment", ["// end"]],
];

for (const [language, code, kind, expected] of TRAPS) {
  test(`${language}: the ${kind}s of ${JSON.stringify(code)}`, () => {
    assert.deepEqual(found(language, code, kind), expected);
  });
}

test("the pieces of any code add up to it", () => {
  const random = seeded(5);
  const bits = [
    "'",
    '"',
    "`",
    "\\",
    "\n",
    "\r\n",
    "/*",
    "*/",
    "//",
    "#",
    "<",
    "</",
    ">",
    "{",
    "}",
    "a",
    " ",
    "=",
    "-",
    "0",
    "é",
    "\u2028",
  ];
  for (const name of ["python", "javascript", "xml", "bash", "rust", "markdown", "php", "yaml", "cpp", "css"]) {
    for (let round = 0; round < 20; round++) {
      const code = Array.from({ length: 200 }, () => bits[random(bits.length)]).join("");
      assert.equal(lowlight.highlight(name, code).children.map(text).join(""), code, name);
    }
  }
});
