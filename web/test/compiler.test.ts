/** Requests find their answers, late ones are dropped, and lines are read as they come. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type Compiler, ConnectionLost, Rejected } from "../src/compiler.ts";
import { HttpCompiler, lines } from "../src/http.ts";
import type { Reply, Request } from "../src/messages.ts";

class Answering implements Compiler {
  readonly requests: Request[] = [];
  constructor(readonly replies: (request: Request) => Promise<Reply[]>) {}

  async *send(request: Request): AsyncGenerator<Reply> {
    this.requests.push(request);
    yield* await this.replies(request);
  }
}

const formatted = (text: string): Reply => ({ type: "formatted", text });
const source = (text: string) => ({ path: "a.net", text });

test("a request has a version, a new number and its type", async () => {
  const compiler = new Answering(async () => [formatted("b")]);
  const client = new Client(compiler);
  assert.deepEqual(await client.ask("format", source("a")), formatted("b"));
  await client.ask("format", source("c"));
  assert.deepEqual(compiler.requests, [
    { path: "a.net", text: "a", version: 1, id: 1, type: "format" },
    { path: "a.net", text: "c", version: 1, id: 2, type: "format" },
  ]);
});

test("an error is thrown with its notes and helps", async () => {
  const error = { rule: "usage", message: "no file", notes: ["a note"], helps: ["do this"] };
  const client = new Client(new Answering(async () => [{ type: "error", error }]));
  await assert.rejects(client.ask("files", {}), (thrown) => {
    assert.ok(thrown instanceof Rejected);
    assert.equal(thrown.message, "no file\na note\ndo this");
    return true;
  });
});

test("no answer is a lost connection", async () => {
  const client = new Client(new Answering(async () => []));
  await assert.rejects(client.ask("files", {}), ConnectionLost);
});

test("an answer that is overtaken by a newer request is dropped", async () => {
  const waiting: ((replies: Reply[]) => void)[] = [];
  const client = new Client(new Answering(() => new Promise((resolve) => waiting.push(resolve))));
  const first = client.latest("format", source("1"));
  const second = client.latest("format", source("2"));
  const other = client.latest("files", {});
  waiting[1]?.([formatted("second")]);
  waiting[0]?.([formatted("first")]);
  waiting[2]?.([{ type: "listed", folder: "f", files: [] }]);
  assert.equal(await first, undefined);
  assert.deepEqual(await second, formatted("second"));
  assert.equal((await other)?.folder, "f");
});

async function* chunked(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(chunks)) {
    found.push(line);
  }
  return found;
}

test("lines are put together from chunks, wherever these are cut", async () => {
  const text = '{"a": "é€"}\n\n{"b": 2}\n\n\n{"c": "…"}';
  const data = new TextEncoder().encode(text);
  const expected = ['{"a": "é€"}', '{"b": 2}', '{"c": "…"}'];
  for (let cut = 0; cut <= data.length; cut += 1) {
    assert.deepEqual(await collected(chunked(data.slice(0, cut), data.slice(cut))), expected);
  }
});

test("HTTP carries the token, and streams of lines", async (context) => {
  const seen: RequestInit[] = [];
  const body =
    '{"type": "remark", "run": "r1", "text": "a"}\n\n{"type": "remark", "run": "r1", "text": "b"}\n';
  context.mock.method(globalThis, "fetch", async (_: string, init: RequestInit) => {
    seen.push(init);
    return new Response(body, { headers: { "Content-Type": "application/x-ndjson" } });
  });
  const client = new Client(new HttpCompiler("/message", "secret"));
  const texts: string[] = [];
  for await (const reply of client.stream("train", source("a"))) {
    texts.push("text" in reply ? reply.text : "");
  }
  assert.deepEqual(texts, ["a", "b"]);
  const headers = seen[0]?.headers as Record<string, string>;
  assert.equal(headers["X-Netlang-Token"], "secret");
  assert.equal(headers["Content-Type"], "application/json");
});

test("a server that is gone, or another one, is a lost connection", async (context) => {
  const client = new Client(new HttpCompiler("/message", ""));
  const fetched = context.mock.method(globalThis, "fetch", async () => {
    throw new TypeError("failed");
  });
  await assert.rejects(client.ask("hello", {}), ConnectionLost);
  fetched.mock.mockImplementation(async () => new Response("<html>"));
  await assert.rejects(client.ask("hello", {}), ConnectionLost);
});
