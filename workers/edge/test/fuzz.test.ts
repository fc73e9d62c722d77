import { once } from "node:events";
import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HEADERS, PATHS } from "../src/generated/contract";
import { ACME_KEY, ACME_ORIGIN, type Deployed, deployWith, WIDE } from "./deployed";

const REQUESTS = 20_000;
const AT_ONCE = 50;
/** In all that a client chooses: where it comes back, the edge has reflected it. */
const CANARY = "cnry7f3a";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
let gateway: Server;
let edge: Deployed;

beforeAll(async () => {
  gateway = createServer((request, response) => {
    request.resume().on("end", () => response.setHeader("content-type", "application/json").end('{"status":"ready"}'));
  }).listen(0, "127.0.0.1");
  await once(gateway, "listening");
  edge = await deployWith(WIDE, `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`);
});

afterAll(async () => {
  agent.destroy();
  await edge.stop();
  gateway.closeAllConnections();
  gateway.close();
});

/** Text a header may hold, the canary in it. */
const value = fc
  .string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => (code === 0x7f ? " " : String.fromCharCode(code))),
    maxLength: 40,
  })
  .map((text) => `${CANARY}${text}`.trim());

const segment = fc.oneof(
  fc.constantFrom(
    "v1",
    "chat",
    "completions",
    "responses",
    "models",
    "agents",
    "health",
    "helper",
    "hooks",
    "",
    ".",
    "..",
  ),
  fc.constantFrom("%2e%2e", "%2F", "%00", "%ff", "%", "..;", "acme%2Fhelper", "\u00e9", "{agent}", "*", CANARY),
  fc.string({ maxLength: 12 }).map((text) => `${CANARY}${encodeURIComponent(text.toWellFormed())}`),
);
const path = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(PATHS.CHAT_COMPLETIONS, PATHS.CHAT, PATHS.RESPONSES, PATHS.MODELS) },
  { weight: 1, arbitrary: fc.constant(`${PATHS.AGENTS}/helper/health`) },
  { weight: 2, arbitrary: fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join("/")}`) },
);
const query = fc.option(fc.string({ maxLength: 12 }), { nil: undefined });

const authorization = fc.oneof(
  { weight: 4, arbitrary: fc.constant(`Bearer ${ACME_KEY}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "Bearer",
      `Bearer ${ACME_KEY} ${CANARY}`,
      `Basic ${CANARY}`,
      `Bearer ${ACME_KEY.slice(0, -1)}`,
    ),
  },
  { weight: 1, arbitrary: value },
);
const name = fc.constantFrom(
  "accept", "accept-encoding", "cache-control", "cf-connecting-ip", "content-encoding", "content-type", "cookie",
  "forwarded", "if-match", "if-none-match", "origin", "range", "referer", "te", "user-agent", "x-forwarded-for",
  "x-forwarded-host", "x-http-method-override", "x-original-url", "access-control-request-method",
  "access-control-request-headers", "x-anything", HEADERS.EDGE_TOKEN, HEADERS.REQUEST_ID, HEADERS.NOT_PASSED_ON, HEADERS.RECEIPT,
); // biome-ignore format: names
const headers = fc.record(
  { authorization, more: fc.dictionary(name, value, { maxKeys: 6 }), origin: fc.constantFrom(undefined, ACME_ORIGIN) },
  { requiredKeys: ["more"] },
);

const json = fc.json({ maxDepth: 3 }).map((text) => text.toWellFormed());
const chat = fc.record(
  {
    model: fc.oneof(fc.constantFrom("helper", "acme/helper", "", "../helper"), fc.jsonValue({ maxDepth: 1 })),
    agent: fc.oneof(fc.constant("helper"), fc.jsonValue({ maxDepth: 1 })),
    messages: fc.jsonValue({ maxDepth: 2 }),
    stream: fc.jsonValue({ maxDepth: 0 }),
    [CANARY]: fc.constant(CANARY),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  { weight: 4, arbitrary: chat.map((object) => Buffer.from(JSON.stringify(object))) },
  { weight: 2, arbitrary: json.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Buffer.alloc(0), Buffer.from("{"), Buffer.from(`{"__proto__":{"model":"${CANARY}"}}`)),
  },
);

const asked: fc.Arbitrary<Asked> = fc
  .record({
    method: fc.constantFrom(
      "POST",
      "POST",
      "POST",
      "GET",
      "GET",
      "HEAD",
      "PUT",
      "PATCH",
      "DELETE",
      "OPTIONS",
      "PROPFIND",
    ),
    path,
    query,
    headers,
    body,
  })
  .map(({ method, path, query, headers: { authorization, more, origin }, body }) => ({
    method,
    path: query === undefined ? path : `${path}?${CANARY}=${encodeURIComponent(query.toWellFormed())}`,
    headers: {
      ...more,
      ...(authorization === undefined ? {} : { authorization }),
      ...(origin === undefined ? {} : { origin }),
    },
    body: method === "GET" || method === "HEAD" ? Buffer.alloc(0) : body,
  }));

/** The status of an answer, and all that is in it. */
async function send(asked: Asked, kept = true): Promise<{ status: number; text: string }> {
  const { method, path, headers, body } = asked;
  const request = httpRequest({
    agent: kept && agent,
    host: edge.url.hostname,
    port: edge.url.port,
    method,
    path: encodeURI(path).replaceAll("%25", "%"),
    headers: { ...headers, "content-length": String(body.length) },
  });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  request.end(body);
  try {
    const [response] = await answered;
    let text = JSON.stringify(response.rawHeaders);
    for await (const chunk of response.setEncoding("utf8")) {
      text += chunk;
    }
    return { status: response.statusCode ?? 0, text };
  } catch (error) {
    // The runtime itself closes a connection of which it has not read a body, and resets what comes next on it.
    if (kept && request.reusedSocket) {
      return await send(asked, false);
    }
    throw error;
  }
}

const STACK = /\bat \S+ \(|index\.js|[A-Z]\w*Error\b/;
const batch = fc.array(asked, { minLength: AT_ONCE, maxLength: AT_ONCE });

it("never fails, nor tells how it is made, nor gives back anything of what nobody would send", async () => {
  const seen = new Map<number, number>();
  const property = fc.asyncProperty(batch, async (many) => {
    const answers = await Promise.all(many.map(async (one) => await send(one)));
    for (const [at, { status, text }] of answers.entries()) {
      seen.set(status, (seen.get(status) ?? 0) + 1);
      if (status >= 500 || text.includes(CANARY) || STACK.test(text)) {
        throw new Error(`${JSON.stringify(many[at])} is answered ${status} ${text}`);
      }
    }
  });
  // A batch that fails says which request it was: shrinking the batch would say no more.
  await fc.assert(property, { numRuns: REQUESTS / AT_ONCE, endOnFailure: true });
  expect([...seen.values()].reduce((sum, count) => sum + count)).toBe(REQUESTS);
  // They are good for nothing unless they come to an agent, and to each wall before it.
  expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 204, 400, 401, 404, 405]));
}, 300_000);
