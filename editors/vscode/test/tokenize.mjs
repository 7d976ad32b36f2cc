/**
 * Split texts into tokens as VS Code does: `node tokenize.mjs GRAMMAR`, with a JSON list of texts
 * as input, prints the innermost scope of each character of each text.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { INITIAL, parseRawGrammar, Registry } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
const path = process.argv[2];
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => parseRawGrammar(readFileSync(path, "utf8"), path),
});
const grammar = await registry.loadGrammar("source.netlang");

function scopes(text) {
  const found = [];
  let stack = INITIAL;
  for (const line of text.split("\n")) {
    const done = grammar.tokenizeLine(line, stack);
    const own = Array(line.length).fill(null);
    for (const { startIndex, endIndex, scopes } of done.tokens) {
      own.fill(scopes.at(-1), startIndex, Math.min(endIndex, line.length));
    }
    stack = done.ruleStack;
    found.push(...own, null);
  }
  return found.slice(0, text.length);
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(scopes)));
