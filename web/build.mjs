/**
 * Bundle the page into the folder that `netlang serve` serves and the wheel contains.
 * `node build.mjs --check` only says whether what is there is what would be written.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { notices } from "./notices.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const STATIC = join(HERE, "../netlang/serve/static");
const MOST_BYTES = 1_000_000;

/** Return the content of every file of the page, by its name. */
async function files() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: HERE,
    entryPoints: ["src/main.ts", "src/main.css"],
    outdir: "static",
    bundle: true,
    format: "esm",
    target: ["chrome123", "firefox128", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  const made = new Map(
    outputFiles.map(({ path, contents }) => [path.split(/[\\/]/).pop(), contents]),
  );
  made.set("index.html", await readFile(join(HERE, "src/index.html")));
  made.set("icon.svg", await readFile(join(HERE, "../editors/vscode/icons/netlang.svg")));
  made.set("NOTICES.txt", Buffer.from(await notices(HERE, Object.keys(metafile.inputs))));
  return made;
}

const made = await files();
const size = [...made.values()].reduce((sum, content) => sum + content.length, 0);
if (size > MOST_BYTES) {
  throw new Error(`the page has ${size} bytes, more than ${MOST_BYTES}`);
}
await mkdir(STATIC, { recursive: true });
for (const [name, content] of made) {
  const path = join(STATIC, name);
  if (!process.argv.includes("--check")) {
    await writeFile(path, content);
  } else if (Buffer.compare(Buffer.from(content), await readFile(path)) !== 0) {
    throw new Error(`netlang/serve/static/${name} is out of date: run \`npm run build\` in web`);
  }
}
console.log(`${made.size} files, ${size.toLocaleString("en-US")} bytes`);
