/** A diagram of the net at the cursor, next to its text; it is drawn again when the file is saved. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { call } from "./tool";

const NET = /^[ \t]*net[ \t]+([A-Za-z_][A-Za-z0-9_]*)/gm;

/** Return the net that an offset is in: the last one that begins before it, or else the first. */
export function netAt(text: string, offset: number): string | undefined {
  const nets = [...text.matchAll(NET)];
  return (nets.filter((net) => net.index <= offset).at(-1) ?? nets[0])?.[1];
}

/** Return the page of the panel; after an error, the last diagram is pale, with the message. */
export function page(svg: string, problem: string | undefined): string {
  const shown = problem === undefined ? "" : `<pre>${escaped(problem)}</pre>`;
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  return `<!DOCTYPE html>
<html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<style>
main { background: white; border-radius: 4px; overflow: auto; padding: 8px; }
main.stale { opacity: 0.35; }
main:empty { display: none; }
pre { white-space: pre-wrap; }
svg { display: block; margin: auto; max-width: 100%; height: auto; }
</style></head><body>${shown}<main class="${problem === undefined ? "" : "stale"}">${svg}</main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

export class Diagram {
  private panel: vscode.WebviewPanel | undefined;
  private svg = "";
  private shown: { document: vscode.TextDocument; net: string } | undefined;

  /** Show the net at the cursor of the active editor. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== "netlang" || editor.document.uri.scheme !== "file") {
      void vscode.window.showInformationMessage("Open a .net file to show a diagram of its nets.");
      return;
    }
    const document = editor.document;
    const net = netAt(document.getText(), document.offsetAt(editor.selection.active));
    if (net === undefined) {
      void vscode.window.showInformationMessage("There is no net in this file.");
      return;
    }
    if (this.shown?.net !== net || this.shown.document !== document) {
      this.svg = "";
    }
    this.shown = { document, net };
    if (document.isDirty) {
      await document.save(); // which draws it if the panel is open
    }
    this.open();
    await this.draw();
  }

  /** Draw again what a saved document shows. */
  async saved(document: vscode.TextDocument): Promise<void> {
    if (this.panel !== undefined && this.shown?.document === document) {
      await this.draw();
    }
  }

  private open(): void {
    if (this.panel !== undefined) {
      this.panel.reveal(undefined, true);
      return;
    }
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.panel = vscode.window.createWebviewPanel("netlang.diagram", "netlang", column);
    this.panel.onDidDispose(() => {
      this.panel = undefined;
    });
  }

  private async draw(): Promise<void> {
    const shown = this.shown;
    if (shown === undefined) {
      return;
    }
    const file = shown.document.uri.fsPath;
    const folder = await mkdtemp(path.join(tmpdir(), "netlang-"));
    const output = path.join(folder, "diagram.svg");
    try {
      const done = await call(["draw", file, shown.net, "-o", output], path.dirname(file));
      if (this.panel === undefined || this.shown !== shown) {
        return; // closed, or about another net by now
      }
      if (done.code === 0) {
        this.svg = await readFile(output, "utf8");
      }
      this.panel.title = `${shown.net} (${path.basename(file)})`;
      this.panel.webview.html = page(this.svg, done.code === 0 ? undefined : done.output);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
