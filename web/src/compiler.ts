/** What the page needs of a compiler, wherever it runs: on a server, or in a worker. */

import type { ErrorText, Replies, Reply, Request, Requests, RequestType } from "./messages.ts";
import { VERSION } from "./messages.ts";

/** Carries a request to a compiler, and its replies back. */
export interface Compiler {
  /**
   * Send a request. Its replies end when it is answered; aborting the signal gives it up.
   * Throws `ConnectionLost` where no compiler answers.
   */
  send(request: Request, signal?: AbortSignal): AsyncIterable<Reply>;
}

/** The compiler does not answer. */
export class ConnectionLost extends Error {}

/** The compiler answered that it can't do what was requested. */
export class Rejected extends Error {
  constructor(readonly error: ErrorText) {
    super([error.message, ...(error.notes ?? []), ...(error.helps ?? [])].join("\n"));
  }
}

/** Return what to tell about a request that failed. */
export function reason(error: unknown): ErrorText {
  return error instanceof Rejected
    ? error.error
    : {
        rule: "",
        message: "the connection to netlang was lost",
        helps: ["start `netlang serve` again, and open the address that it prints"],
      };
}

/** Sends requests of the page to a compiler, and keeps late answers away from it. */
export class Client {
  #numbers = 0;
  readonly #newest = new Map<string, AbortController>();

  constructor(readonly compiler: Compiler) {}

  /** Return the answer to a request; throws `Rejected` or `ConnectionLost`. */
  async ask<Type extends RequestType>(
    type: Type,
    fields: Requests[Type],
    signal?: AbortSignal,
  ): Promise<Replies[Type]> {
    for await (const reply of this.stream(type, fields, signal)) {
      return reply;
    }
    throw new ConnectionLost();
  }

  /** Return the answer, or `undefined` once there is a newer request under the same topic. */
  async latest<Type extends RequestType>(
    type: Type,
    fields: Requests[Type],
    topic: string = type,
  ): Promise<Replies[Type] | undefined> {
    this.#newest.get(topic)?.abort();
    const controller = new AbortController();
    this.#newest.set(topic, controller);
    try {
      const reply = await this.ask(type, fields, controller.signal);
      return controller.signal.aborted ? undefined : reply;
    } catch (error) {
      if (controller.signal.aborted) {
        return undefined;
      }
      throw error;
    }
  }

  /** Yield every reply to a request. */
  async *stream<Type extends RequestType>(
    type: Type,
    fields: Requests[Type],
    signal?: AbortSignal,
  ): AsyncGenerator<Replies[Type]> {
    this.#numbers += 1;
    const request = { ...fields, version: VERSION, id: this.#numbers, type } as Request;
    for await (const reply of this.compiler.send(request, signal)) {
      if (reply.type === "error") {
        throw new Rejected(reply.error);
      }
      yield reply as Replies[Type];
    }
  }
}
