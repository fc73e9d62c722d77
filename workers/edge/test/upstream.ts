import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the gateway gets it. */
export interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly response: ServerResponse;
}

/** A gateway on loopback whose answers the test speaks itself, request by request. */
export class Upstream {
  readonly #server: Server;
  readonly #waiting: ((received: Received) => void)[] = [];
  readonly #arrived: Received[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The next request that arrives, or the oldest nobody has asked for. */
  async next(): Promise<Received> {
    return this.#arrived.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** Requests that have arrived and that nobody has asked for. */
  get waiting(): number {
    return this.#arrived.length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) {
      body += chunk;
    }
    const received = { request, body, response };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) {
      this.#arrived.push(received);
    } else {
      waiting(received);
    }
  }
}
