/** The page needs no server: only where it starts is anything about HTTP. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Client, type Compiler, ConnectionLost, Rejected } from "../src/compiler.ts";
import type { Reply, Request } from "../src/messages.ts";

const SOURCES = join(process.cwd(), "src");
const START = new Set(["main.ts", "http.ts"]);
const OF_A_SERVER =
  /\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\b|\blocation\b|\bhttp\.ts\b/;

test("only the start of the page knows of a server", async () => {
  const names = await readdir(SOURCES, { recursive: true });
  const sources = names.filter((name) => name.endsWith(".ts"));
  assert.ok(sources.length > 20);
  const found: string[] = [];
  for (const name of sources) {
    const code = (await readFile(join(SOURCES, name), "utf8")).replace(
      /\/\*[\s\S]*?\*\/|\/\/.*/g,
      "",
    );
    if (OF_A_SERVER.test(code)) {
      found.push(name);
    }
  }
  assert.deepEqual(new Set(found), START);
});

/** A compiler in a worker: messages are copied, as `postMessage` copies them. */
class Worker {
  readonly #port: MessagePort;

  constructor(port: MessagePort, answers: (request: Request) => AsyncIterable<Reply>) {
    this.#port = port;
    this.#port.onmessage = async ({ data: request }: MessageEvent<Request>) => {
      for await (const reply of answers(request)) {
        this.#port.postMessage({ id: request.id, reply });
      }
      this.#port.postMessage({ id: request.id });
    };
  }
}

/** The page's end of it. */
class WorkerCompiler implements Compiler {
  constructor(readonly port: MessagePort) {}

  async *send(request: Request, signal?: AbortSignal): AsyncGenerator<Reply> {
    const waiting: (Reply | undefined)[] = [];
    let wake = () => {};
    const hear = ({ data }: MessageEvent<{ id: number; reply?: Reply }>) => {
      if (data.id === request.id) {
        waiting.push(data.reply);
        wake();
      }
    };
    this.port.addEventListener("message", hear);
    this.port.start();
    this.port.postMessage(request);
    try {
      for (;;) {
        while (waiting.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const reply = waiting.shift();
        if (reply === undefined || signal?.aborted) {
          return;
        }
        yield reply;
      }
    } finally {
      this.port.removeEventListener("message", hear);
    }
  }
}

test("a compiler in a worker answers, streams and rejects as one behind HTTP", async (context) => {
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  const texts = (request: Request) => ("text" in request ? request.text : "");
  new Worker(port2, async function* (request) {
    if (request.type === "format") {
      yield { type: "formatted", text: texts(request).toUpperCase() };
    } else if (request.type === "train") {
      yield { type: "remark", run: "r1", text: "one" };
      yield { type: "remark", run: "r1", text: "two" };
    } else if (request.type === "files") {
      yield { type: "error", error: { rule: "usage", message: "there are no files here" } };
    }
  });
  const client = new Client(new WorkerCompiler(port1));
  const source = { path: "a.net", text: "a" };
  const [first, second] = await Promise.all([
    client.ask("format", source),
    client.ask("format", { ...source, text: "b" }),
  ]);
  assert.deepEqual([first.text, second.text], ["A", "B"]);
  const heard: string[] = [];
  for await (const reply of client.stream("train", source)) {
    heard.push("text" in reply ? reply.text : "");
  }
  assert.deepEqual(heard, ["one", "two"]);
  await assert.rejects(client.ask("files", {}), Rejected);
  await assert.rejects(client.ask("hello", {}), ConnectionLost);
});
