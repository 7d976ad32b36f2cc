/** Start the page with a compiler behind HTTP: the server that it comes from. */

import { App } from "./app.ts";
import { Client, ConnectionLost } from "./compiler.ts";
import type { Rule } from "./editor/tokens.ts";
import { found } from "./elements.ts";
import { HttpCompiler } from "./http.ts";
import { themeSwitch } from "./themes.ts";

async function start(): Promise<void> {
  themeSwitch(found("theme"));
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  const client = new Client(new HttpCompiler("/message", token));
  const [rules, welcome] = await Promise.all([
    fetch("/highlighting.json").then((response) => response.json() as Promise<Rule[]>),
    client.ask("hello", {}),
  ]);
  await new App(client, rules, welcome).start();
}

start().catch((error: unknown) => {
  const status = found("status");
  status.className = "error";
  status.textContent =
    error instanceof ConnectionLost || error instanceof TypeError
      ? "netlang does not answer: start `netlang serve` and open the address that it prints"
      : error instanceof Error
        ? error.message
        : String(error);
});
