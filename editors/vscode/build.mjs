/** Collect what the extension consists of in `dist`. */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await mkdir(here("dist"), { recursive: true });
await copyFile(here("../netlang.tmLanguage.json"), here("dist/netlang.tmLanguage.json"));
await copyFile(here("../../LICENSE"), here("LICENSE"));
const { metafile } = await build({
  absWorkingDir: here("."),
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  metafile: true,
  logLevel: "warning",
});
await writeFile(here("dist/NOTICES.txt"), await notices(Object.keys(metafile.inputs)));

/** Return the licenses of the packages that the bundle contains. */
async function notices(inputs) {
  const named = inputs.map((path) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path));
  const folders = new Map(named.filter(Boolean).map((found) => [found[1], found[0]]));
  const texts = [...folders].sort().map(async ([name, folder]) => {
    const file = (await readdir(here(folder))).find((entry) => /^licen[sc]e/i.test(entry));
    if (file === undefined) {
      throw new Error(`${name} has no license file`);
    }
    return `${name}\n\n${(await readFile(here(folder + file), "utf8")).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
