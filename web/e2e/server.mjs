/** A `netlang serve` for tests, on a folder of its own. */

import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));
const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
/** The Python that has netlang's dependencies. */
export const PYTHON = process.env.NETLANG_PYTHON ?? join(CHECKOUT, ".venv/bin/python");

export class Server {
  /** Copy the programs to a new folder and serve it; `file` is shown first. */
  static async start(file = "lenet.net", options = []) {
    const folder = await mkdtemp(join(tmpdir(), "netlang-serve-"));
    await cp(PROGRAMS, folder, { recursive: true });
    const arguments_ = ["-m", "netlang", "serve", join(folder, file), "--no-browser", ...options];
    const child = spawn(PYTHON, arguments_, {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: CHECKOUT, PYTHONUNBUFFERED: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const address = await printed(child);
    return new Server(folder, child, address);
  }

  constructor(folder, child, address) {
    Object.assign(this, { folder, child, address });
  }

  /** End the server; its folder stays. */
  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.kill("SIGINT");
      await ended;
    }
  }

  async close() {
    await this.end();
    await rm(this.folder, { recursive: true });
  }
}

/** Return the address that a server prints. */
function printed(child) {
  return new Promise((resolve, reject) => {
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => {
        text += data;
        const found = /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/.exec(text);
        if (found !== null) {
          resolve(found[0]);
        }
      });
    }
    child.once("exit", () => reject(new Error(`netlang serve ended: ${text}`)));
  });
}
