/** Calls of the command `netlang`, as the setting `netlang.path` names it. */

import { execFile } from "node:child_process";
import * as path from "node:path";
import * as vscode from "vscode";

const TIMEOUT = 60_000;

/** What a finished call printed; without a code, the command could not be started. */
export interface Finished {
  code: number | undefined;
  output: string;
}

export function command(): string {
  return vscode.workspace.getConfiguration("netlang").get<string>("path") || "netlang";
}

export function call(args: string[], cwd?: string): Promise<Finished> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: "1" };
    execFile(command(), args, { cwd, env, timeout: TIMEOUT }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
      resolve({ code, output: (stdout + stderr).trim() || (error?.message ?? "") });
    });
  });
}

/** Run a command about a file in a terminal, where its output stays. */
export async function run(subcommand: "summary" | "train", file: string, name: string): Promise<void> {
  const execution = new vscode.ProcessExecution(command(), [subcommand, file, name], { cwd: path.dirname(file) });
  const title = `${subcommand} ${name}`;
  const scope = vscode.TaskScope.Workspace;
  await vscode.tasks.executeTask(new vscode.Task({ type: "netlang" }, scope, title, "netlang", execution));
}
