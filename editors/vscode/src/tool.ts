/** Calls of the command `netlang`, as the setting `netlang.path` names it. */

import { execFile } from "node:child_process";
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
