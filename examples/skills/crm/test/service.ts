import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Seen {
  url: string | undefined;
  authorization: string | undefined;
}

export interface Service {
  baseUrl: string;
  seen: Seen[];
}

/** A CRM on loopback that answers as told, until the test ends. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Service> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push({ url: request.url, authorization: request.headers.authorization });
    answer(request, response);
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, seen };
}

/** An answer of that JSON. */
export function json(body: unknown, status = 200) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}
