/** Tokens as VS Code finds them. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { INITIAL, parseRawGrammar, Registry } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

/** Return a function from a text to the innermost scope of each of its characters. */
export async function tokenizer(grammars, scope, injected = []) {
  const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (name) =>
      name in grammars ? parseRawGrammar(grammars[name], `${name}.json`) : null,
    getInjections: (name) => (name === scope ? injected : []),
  });
  const grammar = await registry.loadGrammar(scope);
  return (text) => {
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
  };
}
