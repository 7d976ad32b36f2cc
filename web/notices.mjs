/** The licenses of the packages that a bundle contains. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Return them as a text, from the inputs that esbuild names relative to a folder. */
export async function notices(folder, inputs) {
  const named = inputs.map((path) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path));
  const packages = new Map(named.filter(Boolean).map((found) => [found[1], found[0]]));
  const texts = [...packages].sort().map(async ([name, path]) => {
    const file = (await readdir(join(folder, path))).find((entry) => /^licen[sc]e/i.test(entry));
    if (file === undefined) {
      throw new Error(`${name} has no license file`);
    }
    return `${name}\n\n${(await readFile(join(folder, path, file), "utf8")).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
