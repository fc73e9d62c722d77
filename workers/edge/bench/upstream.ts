import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { HEADERS } from "../src/generated/contract.ts";
import { EVENTS, eventOf, PAUSE_MS } from "./streams.ts";

/** A gateway on loopback that answers at once, or streams events where it is asked to. */
export async function start(): Promise<{ origin: string; server: Server }> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1", 4096);
  await once(server, "listening");
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
  }
  const { stream, user } = JSON.parse(text) as { stream: boolean; user: string };
  if (!stream) {
    response
      .setHeader("content-type", "application/json")
      .setHeader(HEADERS.USAGE, "12 5")
      .end('{"object":"chat.completion","choices":[]}');
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let number = 0; number < EVENTS; number += 1) {
    response.write(eventOf(Number(user), number));
    await pause(PAUSE_MS);
  }
  response.end();
}
