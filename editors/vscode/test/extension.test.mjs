/** The built extension, in a fake VS Code, without a language server. */

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tokenizer } from "./textmate.mjs";
import { context, fake, load } from "./vscode.mjs";

const folder = mkdtempSync(join(tmpdir(), "netlang-test-"));
after(() => rmSync(folder, { recursive: true }));

/** Write a command in place of `netlang`, from the lines of a shell script. */
function tool(name, ...lines) {
  const path = join(folder, name);
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
  return path;
}

const DRAWS = [
  'case "$1 $2" in',
  '  "draw "*bad.net) echo "error[shape-mismatch]: <b> & c" >&2; exit 1;;',
  '  "draw "*) echo "<svg>$3</svg>" > "$5";;',
  '  *) echo "error[usage]: no such command" >&2; exit 2;;',
  "esac",
];

async function activated(path, memory) {
  const { vscode, seen } = fake({ path });
  await load(vscode).activate(context(memory));
  return { vscode, seen };
}

function opened(text, line, name = "good.net") {
  const document = {
    languageId: "netlang",
    uri: { scheme: "file", fsPath: join(folder, name) },
    isDirty: false,
    getText: () => text,
    offsetAt: ({ line }) => text.split("\n").slice(0, line).join("\n").length + 1,
  };
  return { document, selection: { active: { line } } };
}

test("without netlang, the extension says so once", async () => {
  const memory = new Map();
  const first = await activated(join(folder, "none"), memory);
  assert.match(first.seen.messages.join("\n"), /^netlang is not installed.*netlang\.path/);
  const second = await activated(join(folder, "none"), memory);
  assert.deepEqual(second.seen.messages, []);
});

test("without a language server, the extension says so once", async () => {
  const memory = new Map();
  const path = tool("old", ...DRAWS);
  const first = await activated(path, memory);
  assert.equal(first.seen.messages.length, 1);
  assert.match(first.seen.messages[0], /no language server.*pip install --upgrade/);
  await first.seen.commands.get("netlang.restartServer")();
  assert.equal(first.seen.messages.length, 1);
});

test("a language server is started", async () => {
  const seen = join(folder, "methods");
  const server = new URL("server.mjs", import.meta.url).pathname;
  const path = tool(
    "new",
    '[ "$2" != --check ] || exit 0',
    `exec "${process.execPath}" "${server}" "${seen}" "$@"`,
  );
  const memory = new Map([["netlang.saidWithoutServer", "it was said"]]);
  const { vscode, seen: done } = fake({ path, server: true });
  const extension = load(vscode);
  await extension.activate(context(memory));
  assert.deepEqual(done.messages, []);
  assert.equal(memory.get("netlang.saidWithoutServer"), undefined);
  await extension.deactivate();
  const methods = readFileSync(seen, "utf8").split("\n");
  assert.deepEqual(methods.slice(0, 3), ["lsp", "initialize", "initialized"]);
  assert.ok(methods.includes("shutdown"));
});

test("the texts above nets and sections run commands in a terminal", async () => {
  const path = tool("runs", ...DRAWS);
  const { seen } = await activated(path, new Map());
  await seen.commands.get("netlang.summary")("/a b/good.net", "A");
  await seen.commands.get("netlang.train")("/a b/good.net", "section");
  assert.deepEqual(
    seen.tasks.map(({ name, execution }) => [name, execution.process, execution.args, execution.options.cwd]),
    [
      ["summary A", path, ["summary", "/a b/good.net", "A"], "/a b"],
      ["train section", path, ["train", "/a b/good.net", "section"], "/a b"],
    ],
  );
});

test("the net at the cursor is drawn beside the text", async () => {
  const { vscode, seen } = await activated(tool("draws", ...DRAWS), new Map());
  const text = "net A(x: f32[4]) -> y = x\n\nnet B(x: f32[4]) -> y = x\n";
  vscode.window.activeTextEditor = opened(text, 2);
  await seen.commands.get("netlang.showDiagram")();
  const [panel] = seen.panels;
  assert.equal(panel.title, "B (good.net)");
  assert.deepEqual(panel.column, { viewColumn: -2, preserveFocus: true });
  assert.match(panel.webview.html, /<main class=""><svg>B<\/svg>/);
  assert.match(panel.webview.html, /default-src 'none'/);
  vscode.window.activeTextEditor = opened(text, 0);
  await seen.commands.get("netlang.showDiagram")();
  assert.equal(panel.title, "A (good.net)");
});

test("after an error, the last diagram is pale, with the message", async () => {
  const { vscode, seen } = await activated(tool("draws", ...DRAWS), new Map());
  const editor = opened("net A(x: f32[4]) -> y = x\n", 0);
  vscode.window.activeTextEditor = editor;
  await seen.commands.get("netlang.showDiagram")();
  editor.document.uri.fsPath = join(folder, "bad.net");
  await seen.saved[0](editor.document);
  const { html } = seen.panels[0].webview;
  assert.match(html, /<main class="stale"><svg>A<\/svg>/);
  assert.match(html, /error\[shape-mismatch\]: &#60;b&#62; &#38; c/);
});

test("a closed panel is not drawn again", async () => {
  const { vscode, seen } = await activated(tool("draws", ...DRAWS), new Map());
  const editor = opened("net A(x: f32[4]) -> y = x\n", 0);
  vscode.window.activeTextEditor = editor;
  await seen.commands.get("netlang.showDiagram")();
  seen.panels[0].close();
  seen.panels[0].webview.html = "";
  await seen.saved[0](editor.document);
  assert.equal(seen.panels[0].webview.html, "");
});

test("without a net there is a message and no panel", async () => {
  const { vscode, seen } = await activated(tool("draws", ...DRAWS), new Map());
  seen.messages.length = 0;
  vscode.window.activeTextEditor = opened("block b(x) = x\n", 0);
  await seen.commands.get("netlang.showDiagram")();
  vscode.window.activeTextEditor = undefined;
  await seen.commands.get("netlang.showDiagram")();
  assert.deepEqual(seen.messages, [
    "There is no net in this file.",
    "Open a .net file to show a diagram of its nets.",
  ]);
  assert.deepEqual(seen.panels, []);
});

test("blocks of Markdown are highlighted", async () => {
  const local = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
  const grammars = {
    "text.html.markdown": JSON.stringify({ scopeName: "text.html.markdown", patterns: [] }),
    "markdown.netlang.codeblock": local("../syntaxes/markdown.json"),
    "source.netlang": local("../../netlang.tmLanguage.json"),
  };
  const scopes = await tokenizer(grammars, "text.html.markdown", ["markdown.netlang.codeblock"]);
  const text = "net one\n```net lenet.net\nnet A(x) = x\n```\nnet two\n~~~python\nnet three\n~~~\n";
  const found = scopes(text);
  const at = (word) => found[text.indexOf(word)];
  assert.equal(at("net A"), "storage.type.netlang");
  assert.equal(at("A(x)"), "entity.name.function.netlang");
  for (const outside of ["net one", "net two", "net three"]) {
    assert.equal(at(outside), "text.html.markdown");
  }
});
