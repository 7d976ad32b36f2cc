/** A VS Code with just what the extension uses when it has no language server. */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Module = require("node:module");

/** Something that can be called, made, extended and asked for anything. */
function anything() {
  const known = new Map([["then", (done) => Promise.resolve().then(done)], [Symbol.toPrimitive, () => ""]]);
  const self = new Proxy(class {}, {
    get(target, key) {
      if (key === "prototype") {
        return target.prototype;
      }
      if (!known.has(key)) {
        known.set(key, key === Symbol.iterator ? () => [].values() : anything());
      }
      return known.get(key);
    },
    apply: () => anything(),
    construct: (target, given, made) =>
      made === self ? anything() : Reflect.construct(target, given, made),
  });
  return self;
}

/** Return an object whose missing properties are anything, as deep as the object goes. */
function completed(object) {
  return new Proxy(object, {
    get(target, key) {
      if (!(key in target)) {
        target[key] = anything();
      }
      const value = target[key];
      const plain = value?.constructor === Object;
      return plain ? completed(value) : value;
    },
  });
}

/** Return a fake of the module `vscode`, and what was done with it. */
export function fake(settings) {
  const seen = { messages: [], commands: new Map(), saved: [], configured: [], panels: [], tasks: [] };
  const listen = (list) => (listener) => {
    list.push(listener);
    return { dispose() {} };
  };
  const vscode = {
    version: "1.91.0",
    ViewColumn: { Beside: -2 },
    TaskScope: { Workspace: 2 },
    Task: class {
      constructor(definition, scope, name, source, execution) {
        Object.assign(this, { definition, scope, name, source, execution });
      }
    },
    ProcessExecution: class {
      constructor(process, args, options) {
        Object.assign(this, { process, args, options });
      }
    },
    tasks: { executeTask: async (task) => void seen.tasks.push(task) },
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
      createOutputChannel: () => anything(),
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
  return { vscode: settings.server ? completed(vscode) : vscode, seen };
}

const original = Module._load;

/** Load the built extension anew, with a fake for the module `vscode`, which it may load late. */
export function load(vscode) {
  const path = require.resolve("../dist/extension.js");
  delete require.cache[path];
  Module._load = (name, ...rest) => (name === "vscode" ? vscode : original(name, ...rest));
  return require(path);
}

/** Return the context of an extension whose memory outlives its activations. */
export function context(memory = new Map()) {
  const globalState = {
    get: (key) => memory.get(key),
    update: async (key, value) => void memory.set(key, value),
  };
  return { subscriptions: [], globalState };
}
