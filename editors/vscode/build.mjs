/** Collect what the extension consists of in `dist`. */

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { notices } from "../../web/notices.mjs";

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
await writeFile(here("dist/NOTICES.txt"), await notices(here("."), Object.keys(metafile.inputs)));
