import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EDGE, HEADERS, LIMITS, PATHS } from "../src/generated/contract";
import { ACME_KEY, type Deployed, deploy } from "./deployed";
import { type Received, Upstream } from "./upstream";

const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }], stream: true });

let one: Upstream;
let other: Upstream;
let edge: Deployed;

beforeEach(async () => {
  [one, other] = await Promise.all([Upstream.start(), Upstream.start()]);
  edge = await deploy(one.origin, other.origin);
});

afterEach(async () => {
  await edge.stop();
  await Promise.all([one.stop(), other.stop()]);
});

/** Sends a chat; its answer comes when its headers do. */
async function chat(body = CHAT): Promise<IncomingMessage> {
  const request = httpRequest(new URL(PATHS.CHAT_COMPLETIONS, edge.url).href, {
    method: "POST",
    headers: { authorization: `Bearer ${ACME_KEY}`, "content-type": "application/json" },
  });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  request.end(body);
  return (await answered)[0];
}

async function whole(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    text += chunk;
  }
  return text;
}

function speak({ response }: Received, text: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(text);
}

async function events(answer: IncomingMessage): Promise<string[]> {
  return (await whole(answer)).split("\n\n").filter((event) => event !== "");
}

describe("a region stopped in the middle", () => {
  it("ends what runs there with an error, and new requests go to the other", async () => {
    const running = chat();
    const { response } = await one.next();
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
    const cut = await running;
    await one.stop();
    const [first, ...rest] = await events(cut);
    expect(first).toBe("data: 1");
    expect(rest).toHaveLength(1);
    expect(JSON.parse(String(rest[0]).slice("data: ".length)).error).toMatchObject({ code: "upstream_failed" });

    for (const words of ["data: moved\n\n", "data: stayed\n\n"]) {
      const next = chat();
      const received = await other.next();
      expect(received.body).toBe(CHAT);
      speak(received, words);
      const answer = await next;
      expect(answer.statusCode).toBe(200);
      expect(await whole(answer)).toBe(words);
    }
  });

  it("after it had a request whole has none of it run elsewhere", async () => {
    const running = chat();
    await one.next();
    await one.stop();
    const answer = await running;
    expect(answer.statusCode).toBe(502);
    expect(JSON.parse(await whole(answer)).error.code).toBe("upstream_failed");
    expect(other.waiting).toBe(0);
  });

  it("has a body of the limit's size sent to the other whole", async () => {
    await one.stop();
    const large = CHAT.replace("{", `{${" ".repeat(LIMITS.BODY_BYTES - CHAT.length)}`);
    const running = chat(large);
    const received = await other.next();
    expect(received.body).toBe(large);
    expect(received.request.headers["content-length"]).toBe(String(LIMITS.BODY_BYTES));
    speak(received, "data: 1\n\n");
    expect(await whole(await running)).toBe("data: 1\n\n");
  });
});

it("a region that says it passed nothing on leaves the chat to the other, under the same id", async () => {
  const running = chat();
  const refused = await one.next();
  refused.response.writeHead(503, { "content-type": "application/json", [HEADERS.NOT_PASSED_ON]: "1" });
  refused.response.end(JSON.stringify({ error: { message: "m", type: "server_error", param: null, code: "c" } }));
  const received = await other.next();
  expect(received.body).toBe(CHAT);
  expect(received.request.headers[HEADERS.REQUEST_ID]).toBe(refused.request.headers[HEADERS.REQUEST_ID]);
  speak(received, "data: 1\n\n");
  expect((await running).statusCode).toBe(200);
});

it("both regions stopped is 502", async () => {
  await Promise.all([one.stop(), other.stop()]);
  expect((await chat()).statusCode).toBe(502);
});

describe("health", () => {
  const ask = async () =>
    await fetch(new URL(`${PATHS.AGENTS}/helper/health`, edge.url), {
      headers: { authorization: `Bearer ${ACME_KEY}` },
    });

  it("is asked of the other region when the first is gone", async () => {
    await one.stop();
    const answer = ask();
    const received = await other.next();
    expect(received.request.url).toBe(PATHS.HEALTH);
    received.response.end(JSON.stringify({ status: "ready" }));
    expect(await (await answer).json()).toEqual({
      object: "agent.health",
      id: "helper",
      status: "ready",
      model: "tiny",
    });
    const again = await ask();
    expect(again.headers.get("cache-control")).toBe(`private, max-age=${EDGE.HEALTH_CACHE_S}`);
    expect(other.waiting).toBe(0);
  });
});
