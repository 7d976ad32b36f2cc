import * as vscode from "vscode";
import { Diagram } from "./diagram";
import { Server } from "./server";
import { run } from "./tool";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("netlang", { log: true });
  const diagram = new Diagram();
  const started = new Server(context, log);
  server = started;
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("netlang.showDiagram", () => diagram.show()),
    vscode.commands.registerCommand("netlang.restartServer", () => started.restart()),
    // What the texts above nets and sections do: the server names these commands.
    vscode.commands.registerCommand("netlang.summary", (file: string, net: string) => run("summary", file, net)),
    vscode.commands.registerCommand("netlang.train", (file: string, section: string) => run("train", file, section)),
    vscode.workspace.onDidSaveTextDocument((document) => diagram.saved(document)),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("netlang.path")) {
        void started.restart();
      }
    }),
  );
  await started.restart();
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}
