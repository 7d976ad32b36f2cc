/**
 * Split texts into tokens as the page does: `node tokenize.mjs TABLE`, with a JSON list of texts as
 * input, prints the kind of each character of each text.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = fileURLToPath(new URL("../src/editor/tokens.ts", import.meta.url));
const { outputFiles } = await build({ entryPoints: [source], format: "esm", write: false });
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { tokenizer } = await import(`data:text/javascript;base64,${code}`);
const tokens = tokenizer(JSON.parse(readFileSync(process.argv[2], "utf8")));

/** Return the kind of each character of a line, `null` between tokens. */
function kinds(line) {
  const found = Array(line.length).fill(null);
  let at = 0;
  while (at < line.length) {
    for (const { end, kind } of /\s/.test(line[at])
      ? [{ end: at + 1, kind: null }]
      : tokens(line, at)) {
      found.fill(kind, at, end);
      at = end;
    }
  }
  return found;
}

const texts = JSON.parse(readFileSync(0, "utf8"));
const found = texts.map((text) =>
  text
    .split("\n")
    .flatMap((line) => [...kinds(line), null])
    .slice(0, text.length),
);
process.stdout.write(JSON.stringify(found));
