import * as vscode from "vscode";
import { Diagram } from "./diagram";
import { Server } from "./server";

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
