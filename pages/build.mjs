// Builds what VTS serves into vts/web/static: `node build.mjs` writes it, `node build.mjs --check` compares.
// Files of the pages have a hash of their content in their name, so browsers keep them for a year; manifest.json says
// which name belongs to which file. Scripts for pages of others have names that stay.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const target = join(root, "../vts/web/static");
/** @type {[string, import("esbuild").Format][]} */
const SCRIPTS = [
  ["vts.js", "esm"], // nothing to wrap: it is one function already
  ["vts-offline.js", "esm"],
  ["widget.js", "iife"],
];
const PAGES = ["site/home.js", "site/share.js", "site/docs.js", "site/page.css", "site/docs.css", "site/icon.svg"];
PAGES.push("dashboard/dashboard.js", "dashboard/dashboard.css");

/** @satisfies {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  write: /** @type {const} */ (false),
  metafile: /** @type {const} */ (true),
  charset: "utf8",
  legalComments: "none", // LICENSES.txt has them whole
  outdir: target,
  tsconfigRaw: "{}",
};
const scripts = await Promise.all(
  SCRIPTS.map(([name, format]) => build({ ...common, entryPoints: [`src/scripts/${name}`], format, target: "es2020" })),
);
const pages = await build({
  ...common,
  entryPoints: PAGES.map((name) => `src/${name}`),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  format: "esm",
  splitting: true,
  target: "es2022",
});

/** @type {Map<string, string>} */
const files = new Map();
for (const { path, text } of [...scripts, pages].flatMap((one) => one.outputFiles)) files.set(basename(path), text);
const manifest = Object.entries(pages.metafile.outputs)
  .filter(([, output]) => output.entryPoint)
  .map(([path, output]) => [basename(output.entryPoint ?? ""), basename(path)]);
files.set("manifest.json", `${JSON.stringify(Object.fromEntries(manifest.sort()), null, 2)}\n`);
files.set("LICENSES.txt", licences([...scripts, pages].map((one) => one.metafile)));

/** Return the licence of each package of which a part is in the built files. @param {import("esbuild").Metafile[]} made */
function licences(made) {
  const inputs = made.flatMap((one) => Object.keys(one.inputs));
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(packages)].sort().map(licence).join("\n");
}

/** @param {string} name */
function licence(name) {
  const folder = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(folder, file), "utf8") : "";
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}

if (process.argv.includes("--check")) {
  const there = new Map(readdirSync(target).map((name) => [name, readFileSync(join(target, name), "utf8")]));
  const names = [...new Set([...files.keys(), ...there.keys()])];
  const different = names.filter((name) => files.get(name) !== there.get(name));
  if (different.length) {
    console.error(`vts/web/static is not what pages/src gives; run: make pages\n${different.sort().join("\n")}`);
    process.exit(1);
  }
} else {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const [name, text] of files) writeFileSync(join(target, name), text);
}
console.log(`${files.size} files in ${basename(dirname(target))}/${basename(target)}`);
