/**
 * Writes chat/static/chat/built/: a page's modules in one file, its stylesheets in another, for a first load of few
 * requests: `npm run build`, or `node build/bundle.mjs FOLDER` for another place. The result is committed, so that a site
 * and its image need no Node; `{% modules %}` and `{% styles %}` use it while its digest is that of the sources.
 *
 * Late imports stay separate files, which a page loads when it needs them.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STATIC = join(ROOT, "chat/static");
const PLACE = join(STATIC, "chat/built"); // beside the rooms, so that addresses relative to a module stay right
const TARGET = resolve(process.argv[2] ?? PLACE);

/** @type {import("esbuild").Plugin} */
const late = {
  name: "late imports",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return null;
      return { path: relative(PLACE, join(resolveDir, path)), external: true };
    });
  },
};

/** The digest of sources, computed as in chat/pages/bundles.py. @param {string[]} paths */
async function digest(paths) {
  const names = paths.map((path) => relative(STATIC, join(ROOT, path))).sort();
  const hash = createHash("sha256");
  for (const name of names)
    hash
      .update(`${name}\0`)
      .update(await readFile(join(STATIC, name)))
      .update("\0");
  return hash.digest("hex");
}

/** @param {string} entry */
async function bundle(entry) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "esnext",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    plugins: [late],
    write: false,
  });
  const sources = await digest(Object.keys(metafile.inputs));
  await writeFile(join(TARGET, basename(entry)), `/*! sources ${sources} */\n${outputFiles[0].text}`);
}

await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
const ENTRIES = ["page.js", "page.css", "shared.js", "shared.css"];
await Promise.all(ENTRIES.map((name) => bundle(`chat/static/chat/${name}`)));
