/**
 * Writes the libraries of the page into chat/static/chat/vendor/, from the packages that package.json pins:
 * `npm run vendor`, or `node build/vendor.mjs FOLDER` for another place. The result is committed, so that a site is
 * installed without npm. The folder `build` holds what runs on a developer's machine only.
 *
 * A package of one file is copied without its line about a source map, which is left out. The others are minified: KaTeX
 * (600 KB otherwise), lowlight with the core of highlight.js, and each grammar, which the page loads by its name.
 */

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { GRAMMARS, MORE_ALIASES } from "./grammars.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGES = join(ROOT, "node_modules");
const TARGET = resolve(process.argv[2] ?? join(ROOT, "chat/static/chat/vendor"));
const MOST_CHOICES = 3; // of languages for one part: PostgreSQL's functions have eleven
const require = createRequire(import.meta.url);

/** @param {string} path */
const text = (path) => readFile(join(PACKAGES, path), "utf8");

/**
 * A fresh folder with the licences and versions of its packages.
 * @param {string} name
 * @param {Record<string, string>} licences package: the file of its licence
 */
async function folder(name, licences) {
  const made = join(TARGET, name);
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  const parts = Object.entries(licences);
  const versions = await Promise.all(parts.map(async ([each]) => JSON.parse(await text(`${each}/package.json`)).version));
  const texts = await Promise.all(parts.map(([each, file]) => text(`${each}/${file}`)));
  await writeFile(join(made, "VERSION"), parts.map(([each], at) => `${each} ${versions[at]}\n`).join(""));
  await writeFile(join(made, "LICENSE"), parts.map(([each], at) => `${each}\n\n${texts[at].trim()}\n`).join("\n"));
  return made;
}

/** @param {import("esbuild").BuildOptions} options */
const bundle = (options) =>
  build({
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    charset: "utf8",
    legalComments: "none", // LICENSE has them
    logLevel: "warning",
    // one highlight.js: lowlight installs an older one
    alias: { "highlight.js/lib/core": join(PACKAGES, "highlight.js/lib/core.js") },
    ...options,
  });

async function marked() {
  const made = await folder("marked", { marked: "LICENSE" });
  const source = await text("marked/lib/marked.esm.js");
  await writeFile(join(made, "marked.esm.js"), source.replace(/^\/\/# sourceMappingURL=.*\n?/m, ""));
  await cp(join(PACKAGES, "marked/lib/marked.d.ts"), join(made, "marked.esm.d.ts"));
}

async function katex() {
  const made = await folder("katex", { katex: "LICENSE" });
  await bundle({ entryPoints: [join(PACKAGES, "katex/dist/katex.mjs")], outfile: join(made, "katex.js") });
  await cp(join(PACKAGES, "katex/types/katex.d.ts"), join(made, "katex.d.ts"));
  // every browser that runs the page reads woff2
  const styles = (await text("katex/dist/katex.min.css")).replace(/,url\([^)]*\) format\("(?:woff|truetype)"\)/g, "");
  await writeFile(join(made, "katex.css"), `${styles.trim()}\n`);
  await mkdir(join(made, "fonts"));
  const fonts = (await readdir(join(PACKAGES, "katex/dist/fonts"))).filter((name) => name.endsWith(".woff2"));
  await Promise.all(fonts.map((name) => cp(join(PACKAGES, "katex/dist/fonts", name), join(made, "fonts", name))));
}

async function lowlight() {
  const made = await folder("lowlight", { lowlight: "license", "highlight.js": "LICENSE", devlop: "license" });
  await bundle({
    stdin: { contents: `export { createLowlight } from "lowlight";`, resolveDir: ROOT },
    outfile: join(made, "lowlight.js"),
  });
  await writeFile(join(made, "lowlight.d.ts"), LOWLIGHT_TYPES);
}

// of the page's calls only: lowlight's types belong to the highlight.js that it installs
const LOWLIGHT_TYPES = `
export type Node =
  | { type: "text"; value: string }
  | { type: "element"; properties: { className: string[] }; children: Node[] };

export interface Lowlight {
  highlight: (language: string, code: string) => { children: Node[] };
  register: (name: string, grammar: unknown) => void;
  registered: (name: string) => boolean;
}

export function createLowlight(): Lowlight;
`.trimStart();

async function highlight() {
  const made = await folder("highlight", { "highlight.js": "LICENSE" });
  await bundle({
    entryPoints: GRAMMARS.map((name) => join(PACKAGES, "highlight.js/es/languages", `${name}.js`)),
    outdir: join(made, "languages"),
  });
  await writeFile(join(made, "languages.js"), languageTable());
  await writeFile(join(made, "languages.d.ts"), LANGUAGE_TYPES);
}

const LANGUAGE_TYPES = `
export const GRAMMARS: Record<string, () => Promise<{ default: unknown }>>;
export const ALIASES: Record<string, string>;
export const INNER: Record<string, string[]>;
`.trimStart();

/** The module that finds a grammar by the name of a fence: `import()` needs each path as a literal, to be hashed. */
function languageTable() {
  const core = require("highlight.js/lib/core").newInstance();
  /** @type {Record<string, string>} */ const aliases = {};
  /** @type {Record<string, string[]>} */ const inner = {};
  for (const name of GRAMMARS) {
    core.registerLanguage(name, require(`highlight.js/lib/languages/${name}`));
    const grammar = core.getLanguage(name);
    for (const alias of grammar.aliases ?? []) aliases[alias.toLowerCase()] = name;
    const found = [...innerLanguages(grammar)].filter((each) => each !== name && GRAMMARS.includes(each)).sort();
    if (found.length) inner[name] = found;
  }
  Object.assign(aliases, MORE_ALIASES);
  for (const name of GRAMMARS) delete aliases[name];
  const loaders = GRAMMARS.map((name) => `  ${JSON.stringify(name)}: () => import("./languages/${name}.js"),\n`);
  const sorted = Object.fromEntries(Object.entries(aliases).sort(([one], [other]) => (one < other ? -1 : 1)));
  return [
    "/** Made by build/vendor.mjs: the grammars of highlight.js, other names of languages, languages inside others. */\n",
    `export const GRAMMARS = {\n${loaders.join("")}};\n`,
    `export const ALIASES = ${JSON.stringify(sorted)};\n`,
    `export const INNER = ${JSON.stringify(inner)};\n`,
  ].join("\n");
}

/**
 * The languages that a grammar names for parts of its code.
 * @param {any} mode
 * @param {Set<any>} seen
 * @returns {Set<string>}
 */
function innerLanguages(mode, seen = new Set()) {
  if (!mode || typeof mode !== "object" || seen.has(mode)) return new Set();
  seen.add(mode);
  const choices = [mode.subLanguage ?? []].flat();
  const named = choices.length <= MOST_CHOICES ? choices : [];
  const parts = [mode.contains ?? [], mode.variants ?? [], mode.starts ?? []].flat();
  return new Set([...named, ...parts.flatMap((part) => [...innerLanguages(part, seen)])]);
}

await Promise.all([marked(), katex(), lowlight(), highlight()]);
