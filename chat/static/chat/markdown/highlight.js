/** Highlights code, approximately: comments, strings, numbers, keywords and called names. Pure. */

export const LONGEST = 20_000; // characters; longer code stays plain and delays no frame

const KEYWORDS = {
  python: `and as assert async await break class continue def del elif else except finally for from global if import in is
    lambda match nonlocal not or pass raise return try while with yield None True False self`,
  script: `abstract async await bool boolean break byte case catch char class const continue debugger default delete do double
    else enum export extends extern final finally float fn for from func function go if impl implements import in instanceof
    int interface let long match mod mut namespace new null of override package private protected pub public return self
    short static string struct super switch this throw trait true false try type typeof undefined unsigned use using val var
    virtual void while with yield nil defer chan map range select where`,
  shell: `case do done elif else esac export fi for function if in local read return select set then until while echo cd sudo`,
  sql: `add all alter and as asc between by case create default delete desc distinct drop else end exists foreign from group
    having in index inner insert into is join key left like limit not null offset on or order outer primary references
    returning right select set table then union unique update values view when where with`,
  ruby: `alias and begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry
    return self super then true undef unless until when while yield require`,
  data: "true false null yes no on off",
};

const LINE = {
  hash: "#[^\\n]*",
  slashes: "\\/\\/[^\\n]*|\\/\\*[^]*?(?:\\*\\/|(?![^]))",
  dashes: "--[^\\n]*|\\/\\*[^]*?(?:\\*\\/|(?![^]))",
  none: "(?!)",
};
const STRING = "\"(?:[^\"\\\\\\n]|\\\\[^])*\"?|'(?:[^'\\\\\\n]|\\\\[^])*'?";
const LONG_STRING = "\"\"\"[^]*?(?:\"\"\"|(?![^]))|'''[^]*?(?:'''|(?![^]))";
const TEMPLATE = "`(?:[^`\\\\]|\\\\[^])*`?";

/** @type {Record<string, Record<string, string>>} */
const FAMILIES = {
  python: rules({ comment: LINE.hash, string: `${LONG_STRING}|${STRING}`, keywords: KEYWORDS.python }),
  script: rules({ comment: LINE.slashes, string: `${STRING}|${TEMPLATE}`, keywords: KEYWORDS.script }),
  shell: rules({ comment: LINE.hash, string: STRING, keywords: KEYWORDS.shell }),
  sql: rules({ comment: LINE.dashes, string: STRING, keywords: KEYWORDS.sql, flags: "i" }),
  ruby: rules({ comment: LINE.hash, string: STRING, keywords: KEYWORDS.ruby }),
  data: rules({ comment: LINE.hash, string: STRING, keywords: KEYWORDS.data }),
  css: rules({ comment: "\\/\\*[^]*?(?:\\*\\/|(?![^]))", string: STRING, keywords: "important media supports import" }),
  markup: { comment: "<!--[^]*?(?:-->|(?![^]))", string: STRING, keyword: "<\\/?[\\w:-]+|\\/?>" },
  diff: { added: "^\\+[^\\n]*", removed: "^-[^\\n]*", keyword: "^@@[^\\n]*" },
};

const LANGUAGES = {
  python: "py python python3",
  script: `js javascript mjs jsx ts typescript tsx java c h cpp c++ cc cs csharp go golang rust rs php swift kotlin kt scala dart`,
  shell: "sh bash zsh shell console dockerfile makefile",
  sql: "sql postgresql sqlite mysql",
  ruby: "rb ruby elixir ex",
  data: "json jsonc yaml yml toml ini conf",
  css: "css scss less",
  markup: "html xml svg xhtml vue",
  diff: "diff patch",
};

const FAMILY_OF = new Map(
  Object.entries(LANGUAGES).flatMap(([family, names]) => names.split(/\s+/).map((name) => [name, family])),
);

/** @param {LanguageFamily} options */
function rules({ comment, string, keywords, flags = "" }) {
  const keyword = `\\b(?:${keywords.split(/\s+/).join("|")})\\b`;
  return {
    comment,
    string,
    keyword,
    number: "\\b\\d[\\w.]*",
    called: "\\b[A-Za-z_]\\w*(?=\\()",
    name: "[A-Za-z_]\\w*",
    flags,
  };
}

/** @type {Map<string, RegExp>} */
const scanners = new Map();

/** One expression, a named group for each kind: linear time for any code. @param {string} family */
function scanner(family) {
  let made = scanners.get(family);
  if (!made) {
    const { flags = "", ...kinds } = FAMILIES[family];
    const source = Object.entries(kinds)
      .map(([kind, pattern]) => `(?<${kind}>${pattern})`)
      .join("|");
    made = new RegExp(source, `gm${flags}`);
    scanners.set(family, made);
  }
  return made;
}

/**
 * The pieces add up to the code. Unknown languages and long code are one plain piece.
 * @param {string} code
 * @param {string} language
 * @returns {Piece[]}
 */
export function highlight(code, language) {
  const family = FAMILY_OF.get(language.toLowerCase());
  if (!family || code.length > LONGEST) return [{ kind: null, text: code }];
  const pieces = [];
  let at = 0;
  for (const match of code.matchAll(scanner(family))) {
    const [kind = "name"] = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined) ?? [];
    if (kind === "name" || !match[0]) continue; // so that no keyword is found inside a name
    if (match.index > at) pieces.push({ kind: null, text: code.slice(at, match.index) });
    pieces.push({ kind, text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < code.length) pieces.push({ kind: null, text: code.slice(at) });
  return pieces;
}
