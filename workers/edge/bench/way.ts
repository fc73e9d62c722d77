import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";

/** One way to the upstream, on one connection that is kept. */
export class Way {
  readonly name: string;
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(name: string, url: URL, headers: Record<string, string> = {}) {
    this.name = name;
    this.#url = url;
    this.#headers = { "content-type": "application/json", ...headers };
  }

  /** Asks once, reads the whole answer, and says how many milliseconds its first byte took. */
  async ask(body: string): Promise<number> {
    const started = performance.now();
    const request = httpRequest(this.#url.href, { agent: this.#agent, method: "POST", headers: this.#headers });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    request.end(body);
    const [response] = await answered;
    let firstByte = Number.NaN;
    for await (const _ of response) {
      firstByte = Number.isNaN(firstByte) ? performance.now() - started : firstByte;
    }
    if (response.statusCode !== 200) {
      throw new Error(`${this.name} answers ${response.statusCode}`);
    }
    return firstByte;
  }

  /** Asks so often, one request after another, and keeps nothing of it: what is measured after is warm. */
  async warm(body: string, requests: number): Promise<void> {
    for (let at = 0; at < requests; at += 1) {
      await this.ask(body);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The value below which `percent` of them lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
