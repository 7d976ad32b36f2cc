/**
 * Test the page in a browser: `node run.mjs`. Without Chromium nothing is tested; with `--required`
 * that is an error.
 */

import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installed } from "./page.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

if ((await installed()) === undefined) {
  console.log("Chromium is not installed: the page was not tested in a browser");
  process.exitCode = process.argv.includes("--required") ? 1 : 0;
} else {
  const names = (await readdir(here)).filter((name) => name.endsWith(".test.mjs"));
  const files = names.map((name) => join(here, name));
  const options = ["--test", "--test-concurrency=1", "--test-reporter=spec"];
  process.exitCode =
    spawnSync(process.execPath, [...options, ...files], { stdio: "inherit" }).status ?? 1;
}
