/**
 * Split texts into tokens: `node tokenize.mjs GRAMMAR`, with a JSON list of texts as input, prints
 * the innermost scope of each character of each text.
 */

import { readFileSync } from "node:fs";
import { tokenizer } from "./textmate.mjs";

const grammar = readFileSync(process.argv[2], "utf8");
const scopes = await tokenizer({ "source.netlang": grammar }, "source.netlang");
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(scopes)));
