/**
 * Which of highlight.js's 192 grammars the page has: its common set, and what models write besides. The others are rare,
 * or large: 1C, Mathematica, ISBL, GML and SQF are half of all bytes.
 */

export const GRAMMARS = `
  abnf accesslog ada apache applescript arduino armasm asciidoc autohotkey awk bash basic bnf brainfuck c clojure cmake
  coffeescript coq cpp crystal csharp css d dart delphi diff django dns dockerfile dos ebnf elixir elm erb erlang excel
  fortran fsharp gherkin glsl go gradle graphql groovy haml handlebars haskell haxe http ini java javascript json julia
  julia-repl kotlin latex less lisp llvm lua makefile markdown matlab mipsasm nginx nim nix node-repl nsis objectivec ocaml
  openscad perl pgsql php php-template plaintext powershell processing prolog properties protobuf puppet python python-repl
  qml r reasonml ruby rust sas scala scheme scss shell smalltalk sml sql stata stylus swift tap tcl thrift twig typescript
  vala vbnet vbscript verilog vhdl vim wasm x86asm xml xquery yaml`
  .trim()
  .split(/\s+/);

/** Names of fences that highlight.js does not know, or knows as another language; the grammar fits, or nearly. */
export const MORE_ALIASES = {
  astro: "xml",
  cmd: "dos",
  cuda: "cpp",
  dotenv: "properties",
  env: "properties",
  fish: "bash",
  json5: "json",
  jsonl: "json",
  ksh: "bash",
  mariadb: "sql",
  mdx: "markdown",
  ml: "ocaml",
  mysql: "sql",
  ndjson: "json",
  node: "javascript",
  plsql: "sql",
  py3: "python",
  python3: "python",
  sqlite: "sql",
  svelte: "xml",
  systemd: "ini",
  terminal: "shell",
  tsql: "sql",
  vue: "xml",
};
