import { verify } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { BUNDLE } from "../build.mjs";
import { HEADERS, LIMITS, PATHS, RATES, TOKEN } from "../src/generated/contract";
import { ACME_KEY, type Deployed, deploy, GLOBEX_KEY } from "./deployed";
import { Upstream } from "./upstream";

const CHAT = { model: "helper", stream: true, messages: [{ role: "user", content: "hello" }] };

let upstream: Upstream;
let edge: Deployed;
const open: ClientRequest[] = [];

beforeAll(async () => {
  upstream = await Upstream.start();
  edge = await deploy(upstream.origin);
});

afterEach(() => {
  for (const request of open.splice(0)) {
    request.destroy();
  }
});

afterAll(async () => {
  await edge.stop();
  await upstream.stop();
});

/** A request on a connection of its own, its body still to come. */
function post(headers: Record<string, string>, path: string = PATHS.CHAT_COMPLETIONS): ClientRequest {
  const request = httpRequest(new URL(path, edge.url).href, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${ACME_KEY}`, "content-type": "application/json", ...headers },
  });
  request.on("error", () => undefined);
  open.push(request);
  return request;
}

function send(headers: Record<string, string> = {}, body: string | Buffer = JSON.stringify(CHAT)): ClientRequest {
  return post(headers).end(body);
}

async function answer(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response.setEncoding("utf8");
}

async function whole(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += chunk;
  }
  return text;
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`not within ${milliseconds} ms`)), milliseconds).unref();
    }),
  ]);
}

describe("the stream", () => {
  it("passes chunk by chunk, each before the next is spoken", async () => {
    const request = send();
    const { response: gateway } = await upstream.next();
    gateway.writeHead(200, { "content-type": "text/event-stream" });
    gateway.write("data: 1\n\n");
    const response = await answer(request);
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("text/event-stream");
    const chunks = response[Symbol.asyncIterator]();
    for (const next of ["data: 2\n\n", "data: [DONE]\n\n"]) {
      const { value } = await within(1000, chunks.next());
      expect(value).not.toContain(next);
      gateway.write(next);
    }
    expect((await within(1000, chunks.next())).value).toBe("data: [DONE]\n\n");
    gateway.end();
    expect((await chunks.next()).done).toBe(true);
  });

  it("that breaks off at the gateway does not look whole", async () => {
    const request = send();
    const { response: gateway } = await upstream.next();
    gateway.writeHead(200, { "content-type": "text/event-stream" });
    gateway.write("data: 1\n\n");
    const response = await answer(request);
    gateway.destroy();
    const events = (await whole(response)).split("\n\n").filter((event) => event !== "");
    expect(events[0]).toBe("data: 1");
    expect(JSON.parse(String(events.at(-1)).slice("data: ".length)).error.code).toBe("upstream_failed");
  });
});

/** Over plain HTTP/1.1 the runtime takes a closed connection for a half-closed one, until it writes or sees a reset. */
describe("a client that goes away", () => {
  it("cancels a silent stream at the gateway within a second", async () => {
    const request = send();
    const { response: gateway } = await upstream.next();
    gateway.writeHead(200, { "content-type": "text/event-stream" });
    gateway.write("data: 1\n\n");
    await once(await answer(request), "data");
    const closed = once(gateway, "close");
    request.socket?.resetAndDestroy();
    await within(1000, closed);
    expect(gateway.writableFinished).toBe(false);
  });

  it("cancels a stream that goes on at the gateway within a second", async () => {
    const request = send();
    const { response: gateway } = await upstream.next();
    gateway.writeHead(200, { "content-type": "text/event-stream" });
    const words = setInterval(() => gateway.write("data: 1\n\n"), 20);
    gateway.on("close", () => clearInterval(words));
    await once(await answer(request), "data");
    const closed = once(gateway, "close");
    request.destroy();
    await within(1000, closed);
    expect(gateway.writableFinished).toBe(false);
  });

  it("cancels a request the gateway has not answered yet within a second", async () => {
    const request = send();
    const { response: gateway } = await upstream.next();
    const closed = once(gateway, "close");
    request.socket?.resetAndDestroy();
    await within(1000, closed);
    expect(gateway.headersSent).toBe(false);
  });
});

it("counts a stream no longer once its client has gone", async () => {
  const busy: ClientRequest[] = [];
  for (let stream = 0; stream < RATES.STREAMS; stream += 1) {
    const request = send();
    const { response: gateway } = await upstream.next();
    gateway.writeHead(200, { "content-type": "text/event-stream" });
    gateway.write("data: 1\n\n");
    await once(await answer(request), "data");
    busy.push(request);
  }
  const refused = await answer(send());
  expect(refused.statusCode).toBe(429);
  expect(JSON.parse(await whole(refused)).error.code).toBe("rate_limit_exceeded");
  busy[0]?.socket?.resetAndDestroy();
  await vi.waitFor(async () => {
    const request = send();
    const response = answer(request);
    const received = await Promise.race([upstream.next(), response.then(() => null)]);
    expect(received).not.toBeNull();
    received?.response.end("{}");
    expect((await response).statusCode).toBe(200);
  });
});

describe("what the gateway gets", () => {
  it("is the body as it was, our headers, and none of the client's", async () => {
    const body = JSON.stringify({ ...CHAT, seed: 12345678901234567890n.toString() });
    const request = send(
      {
        cookie: "session=1",
        "cf-connecting-ip": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9",
        "x-real-ip": "203.0.113.9",
        [HEADERS.EDGE_TOKEN]: "forged",
        [HEADERS.REQUEST_ID]: "chosen-by-the-client",
      },
      body,
    );
    const received = await upstream.next();
    received.response.end("{}");
    const response = await answer(request);
    expect(received.request.method).toBe("POST");
    expect(received.request.url).toBe(PATHS.CHAT_COMPLETIONS);
    expect(received.body).toBe(body);
    // `cf-worker`, the zone of the Worker that asks, is the runtime's own.
    expect(Object.keys(received.request.headers).sort()).toEqual([
      "accept-encoding",
      "cf-worker",
      "content-length",
      "content-type",
      "host",
      HEADERS.EDGE_TOKEN,
      HEADERS.REQUEST_ID,
    ]);
    expect(received.request.headers[HEADERS.REQUEST_ID]).not.toBe("chosen-by-the-client");
    expect(received.request.headers[HEADERS.REQUEST_ID]).toBe(response.headers[HEADERS.REQUEST_ID]);
  });

  it("holds a token that the public key verifies", async () => {
    send();
    const received = await upstream.next();
    received.response.end("{}");
    const [header, payload, signature] = String(received.request.headers[HEADERS.EDGE_TOKEN]).split(".");
    const signed = Buffer.from(`${header}.${payload}`);
    expect(verify(null, signed, edge.publicKey, decode(signature))).toBe(true);
    expect(JSON.parse(decode(header).toString())).toEqual({ alg: TOKEN.ALGORITHM, kid: "test-1", typ: "JWT" });
    const claims = JSON.parse(decode(payload).toString());
    expect(claims).toMatchObject({ iss: TOKEN.ISSUER, aud: "acme/helper", tid: "acme", key: "default" });
    expect(claims.exp - claims.iat).toBe(TOKEN.LIFETIME_S);
    expect(Math.abs(claims.iat - Date.now() / 1000)).toBeLessThan(TOKEN.LIFETIME_S / 2 + TOKEN.LEEWAY_S);
  });
});

it("asks for a response as for a chat, and brings the agent's receipt back", async () => {
  const body = JSON.stringify({ model: "helper", input: "hello", stream: true });
  const request = post({}, PATHS.RESPONSES).end(body);
  const received = await upstream.next();
  expect(received.request.url).toBe(PATHS.RESPONSES);
  expect(received.body).toBe(body);
  const events = 'event: response.completed\ndata: {"type":"response.completed"}\n\n';
  received.response.writeHead(200, { "content-type": "text/event-stream", [HEADERS.RECEIPT]: "ab".repeat(32) });
  received.response.end(events);
  const response = await answer(request);
  expect(response.headers[HEADERS.RECEIPT]).toBe("ab".repeat(32));
  expect(await whole(response)).toBe(events);
});

it.each([
  { key: ACME_KEY, agents: ["helper"] },
  { key: GLOBEX_KEY, agents: ["analyst"] },
])("lists the agents of a key: $agents", async ({ key, agents }) => {
  const response = await fetch(new URL(PATHS.MODELS, edge.url), { headers: { authorization: `Bearer ${key}` } });
  const { data } = await response.json<{ data: { id: string }[] }>();
  expect(data.map(({ id }) => id)).toEqual(agents);
});

describe("the edge's own answers", () => {
  it("refuses a body over the limit, whether it says its size or not", async () => {
    const large = Buffer.alloc(LIMITS.BODY_BYTES + 1, 0x20);
    for (const headers of [{ "content-length": String(large.length) }, { "transfer-encoding": "chunked" }]) {
      const response = await answer(send(headers, large));
      expect(response.statusCode).toBe(413);
      expect(JSON.parse(await whole(response)).error.code).toBe("request_too_large");
    }
  });

  it("does not wait for a body that says it is over the limit", async () => {
    const request = post({ "content-length": String(LIMITS.BODY_BYTES + 1) });
    request.flushHeaders();
    expect((await within(1000, answer(request))).statusCode).toBe(413);
  });

  it("takes a body of exactly the limit", async () => {
    const start = JSON.stringify(CHAT);
    const request = send({}, start + " ".repeat(LIMITS.BODY_BYTES - start.length));
    const received = await upstream.next();
    expect(received.body.length).toBe(LIMITS.BODY_BYTES);
    received.response.end("{}");
    expect((await answer(request)).statusCode).toBe(200);
  });

  it("says 502 when nothing listens at the region's origin", async () => {
    const gone = await Upstream.start();
    const { origin } = gone;
    await gone.stop();
    const lost = await deploy(origin);
    try {
      const response = await fetch(new URL(PATHS.CHAT_COMPLETIONS, lost.url), {
        method: "POST",
        headers: { authorization: `Bearer ${ACME_KEY}` },
        body: JSON.stringify(CHAT),
      });
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: { code: "upstream_failed", type: "server_error" } });
    } finally {
      await lost.stop();
    }
  });
});

it("is one module that imports nothing but the runtime's own", async () => {
  const text = await readFile(BUNDLE, "utf8");
  const foreign = text.replace(/^import \{[^}]*\} from "cloudflare:workers";$/gm, "");
  expect(foreign).not.toMatch(/^\s*import\b|\brequire\(|\bimport\(/m);
});

it("is small enough to start quickly: 100 KB at most, compressed", async () => {
  expect(gzipSync(await readFile(BUNDLE)).byteLength).toBeLessThanOrEqual(100_000);
});

function decode(part: string | undefined): Buffer {
  return Buffer.from(part ?? "", "base64url");
}
