/** A VS Code with just what the extension uses when it has no language server. */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Module = require("node:module");

/** Return a fake of the module `vscode`, and what was done with it. */
export function fake(settings) {
  const seen = { messages: [], commands: new Map(), saved: [], configured: [], panels: [] };
  const listen = (list) => (listener) => {
    list.push(listener);
    return { dispose() {} };
  };
  const log = Object.fromEntries(["info", "warn", "error", "dispose"].map((n) => [n, () => {}]));
  const vscode = {
    ViewColumn: { Beside: -2 },
    commands: {
      registerCommand(name, run) {
        seen.commands.set(name, run);
        return { dispose() {} };
      },
    },
    workspace: {
      getConfiguration: () => ({ get: (name) => settings[name] }),
      onDidSaveTextDocument: listen(seen.saved),
      onDidChangeConfiguration: listen(seen.configured),
    },
    window: {
      activeTextEditor: undefined,
      createOutputChannel: () => log,
      showInformationMessage: async (text) => void seen.messages.push(text),
      createWebviewPanel(id, title, column) {
        const closing = [];
        const panel = {
          title,
          column,
          webview: { html: "" },
          reveal() {},
          onDidDispose: listen(closing),
          close: () => closing.forEach((run) => run()),
        };
        seen.panels.push(panel);
        return panel;
      },
    },
  };
  return { vscode, seen };
}

/** Load the built extension anew, with a fake for the module `vscode`. */
export function load(vscode) {
  const original = Module._load;
  const path = require.resolve("../dist/extension.js");
  delete require.cache[path];
  Module._load = (name, ...rest) => (name === "vscode" ? vscode : original(name, ...rest));
  try {
    return require(path);
  } finally {
    Module._load = original;
  }
}

/** Return the context of an extension whose memory outlives its activations. */
export function context(memory = new Map()) {
  const globalState = {
    get: (key) => memory.get(key),
    update: async (key, value) => void memory.set(key, value),
  };
  return { subscriptions: [], globalState };
}
