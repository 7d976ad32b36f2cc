/** A compiler behind `netlang serve`: requests are posted, replies are read as they come. */

import type { Compiler } from "./compiler.ts";
import { ConnectionLost } from "./compiler.ts";
import type { Reply, Request } from "./messages.ts";

export class HttpCompiler implements Compiler {
  /** `token` is what the server printed with its address: it answers nobody else. */
  constructor(
    readonly address: string,
    readonly token: string,
  ) {}

  async *send(request: Request, signal?: AbortSignal): AsyncGenerator<Reply> {
    const response = await this.#post(request, signal);
    const kind = response.headers.get("Content-Type") ?? "";
    if (kind.startsWith("application/x-ndjson") && response.body !== null) {
      yield* this.#lines(response.body);
    } else if (kind.startsWith("application/json")) {
      yield (await response.json()) as Reply;
    } else {
      throw new ConnectionLost();
    }
  }

  async #post(request: Request, signal?: AbortSignal): Promise<Response> {
    const headers = { "Content-Type": "application/json", "X-Netlang-Token": this.token };
    const options = { method: "POST", headers, body: JSON.stringify(request) };
    try {
      return await fetch(this.address, signal === undefined ? options : { ...options, signal });
    } catch (error) {
      throw signal?.aborted ? error : new ConnectionLost();
    }
  }

  async *#lines(body: ReadableStream<Uint8Array>): AsyncGenerator<Reply> {
    for await (const line of lines(chunks(body))) {
      yield JSON.parse(line) as Reply;
    }
  }
}

/** Yield the chunks of a stream; ending the loop early cancels it. */
async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Yield the lines of a UTF-8 text that comes in chunks; empty ones keep a connection alive. */
export async function* lines(chunked: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunked) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((line) => line.trim() !== "");
  }
  if (rest.trim() !== "") {
    yield rest;
  }
}
