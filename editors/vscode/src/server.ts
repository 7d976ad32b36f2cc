/** The client of `netlang lsp`; without a server, highlighting, snippets and diagrams remain. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { call, command } from "./tool";

const SAID = "netlang.saidWithoutServer";
const MISSING =
  "netlang is not installed, so shapes and errors are not shown while you type. " +
  'Install it (pip install "netlang[lsp]"), or set `netlang.path`.';
const WITHOUT =
  "This netlang has no language server, so shapes and errors are not shown while you type. " +
  'Install it: pip install --upgrade "netlang[lsp]".';

export class Server {
  private client: LanguageClient | undefined;
  private starting: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Start the server if it is installed; or else say so, once. One start ends before the next. */
  restart(): Promise<void> {
    this.starting = this.starting.then(() => this.start());
    return this.starting;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose();
  }

  private async start(): Promise<void> {
    await this.stop();
    const probe = await call(["lsp", "--check"]);
    if (probe.code !== 0) {
      this.log.info(probe.output);
      await this.sayOnce(probe.code === undefined ? MISSING : WITHOUT);
      return;
    }
    try {
      await this.connect();
      await this.context.globalState.update(SAID, undefined);
    } catch (error) {
      this.log.error(String(error));
      await this.sayOnce(`The language server did not start: ${String(error)}`);
    }
  }

  private async connect(): Promise<void> {
    // Loaded late: it needs more of VS Code than an extension without a server does.
    const { LanguageClient } = await import("vscode-languageclient/node");
    this.client = new LanguageClient(
      "netlang",
      "netlang",
      { command: command(), args: ["lsp"] },
      { documentSelector: [{ language: "netlang" }], outputChannel: this.log },
    );
    await this.client.start();
  }

  private async sayOnce(text: string): Promise<void> {
    this.log.warn(text);
    if (this.context.globalState.get(SAID) === text) {
      return;
    }
    await this.context.globalState.update(SAID, text);
    void vscode.window.showInformationMessage(text);
  }
}
