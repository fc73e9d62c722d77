import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "./env";
import { HEADERS, LIMITS, PATHS } from "./generated/contract";
import { edge, refusal, send, unlimited } from "./testing/edge";

let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  env = unlimited((await edge()).env);
  gateway.mockReset();
});

afterEach(() => {
  vi.useRealTimers();
});

function answers(response: () => Response): void {
  gateway.mockImplementation(async () => response());
}

const events = (...chunks: (string | Error)[]) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = chunks.shift();
      if (next === undefined) {
        controller.close();
      } else if (next instanceof Error) {
        controller.error(next);
      } else {
        controller.enqueue(new TextEncoder().encode(next));
      }
    },
  });

/** No answer, until the request is given up. */
function silence(signal: AbortSignal | null | undefined, asked: (signal: AbortSignal) => void): Promise<Response> {
  return new Promise((_resolve, reject) => {
    if (signal) {
      signal.addEventListener("abort", () => reject(signal.reason));
      asked(signal);
    }
  });
}

const NOT_READY = { error: { message: "m", type: "server_error", param: null, code: "agent_not_ready" } };

function readable(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) {
    throw new Error("the answer has no body");
  }
  return response.body;
}

describe("the gateway's error", () => {
  it("in OpenAI's shape goes on as it is, with the time to try again", async () => {
    answers(() => Response.json(NOT_READY, { status: 503, headers: { "retry-after": "5", "x-powered-by": "us" } }));
    const response = await send(env);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(response.headers.has("x-powered-by")).toBe(false);
    expect(await response.json()).toEqual(NOT_READY);
  });

  it.each([
    { status: 500, body: "Internal Server Error" },
    { status: 502, body: "<html>origin down</html>" },
    { status: 400, body: '{"error":"bad"}' },
    { status: 404, body: '{"detail":"Not Found"}' },
    { status: 429, body: "" },
    { status: 530, body: "error code: 1033" },
    { status: 500, body: JSON.stringify({ error: { message: "m".repeat(70_000), type: "t" } }) },
    { status: 302, body: "" },
    { status: 304, body: null },
  ])("in any other shape becomes ours: $status", async ({ status, body }) => {
    answers(() => new Response(body, { status, headers: { location: "http://elsewhere.test" } }));
    const response = await send(env);
    expect(response.headers.has("location")).toBe(false);
    expect(await refusal(response)).toEqual({ status: 502, code: "upstream_failed", param: null });
  });

  it.each([504, 522, 524])("that says it took too long is 504: %d", async (status) => {
    answers(() => new Response("slow", { status }));
    expect(await refusal(await send(env))).toEqual({ status: 504, code: "upstream_timeout", param: null });
  });

  it.each([401, 403])("against the edge is not one against the client's key: %d", async (status) => {
    answers(() => Response.json(NOT_READY, { status }));
    expect((await refusal(await send(env))).status).toBe(502);
  });
});

it("passes the agent's receipt to the client, and no other word of the agent's own", async () => {
  answers(() => Response.json({}, { headers: { [HEADERS.RECEIPT]: "ab".repeat(32), "x-openclaw-session": "s" } }));
  const { headers } = await send(env);
  expect(headers.get(HEADERS.RECEIPT)).toBe("ab".repeat(32));
  expect(headers.has("x-openclaw-session")).toBe(false);
});

describe("a gateway", () => {
  it("that cannot be reached is 502", async () => {
    gateway.mockRejectedValue(new Error("Network connection lost."));
    expect(await refusal(await send(env))).toEqual({ status: 502, code: "upstream_failed", param: null });
  });

  it("that says nothing is given up after the contract's time, not before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = Promise.withResolvers<AbortSignal>();
    gateway.mockImplementation(async (request, init) => {
      await new Request(request, init).arrayBuffer();
      return await silence(init?.signal, asked.resolve);
    });
    const response = send(env);
    const signal = await asked.promise;
    vi.advanceTimersByTime(LIMITS.FIRST_BYTE_S * 1000 - 1);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await refusal(await response)).toEqual({ status: 504, code: "upstream_timeout", param: null });
  });

  it("that takes no connection is given up after the contract's time, not before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = Promise.withResolvers<AbortSignal>();
    gateway.mockImplementation(async (_, init) => await silence(init?.signal, asked.resolve));
    const response = send(env);
    const signal = await asked.promise;
    vi.advanceTimersByTime(LIMITS.CONNECT_S * 1000 - 1);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await refusal(await response)).toEqual({ status: 502, code: "upstream_failed", param: null });
  });

  it("hears at once that the client has gone, before its answer and during it", async () => {
    const client = new AbortController();
    answers(() => new Response(events("data: 1\n\n"), { headers: { "content-type": "text/event-stream" } }));
    await send(env, { signal: client.signal });
    const signal = gateway.mock.calls[0]?.[1]?.signal;
    expect(signal?.aborted).toBe(false);
    client.abort();
    expect(signal?.aborted).toBe(true);
  });

  it("that has begun to answer may take as long as it likes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    answers(() => Response.json({}));
    await send(env);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not followed elsewhere", async () => {
    answers(() => Response.json({}));
    await send(env);
    expect(gateway.mock.calls[0]?.[1]?.redirect).toBe("manual");
  });
});

describe.each([PATHS.CHAT_COMPLETIONS, PATHS.RESPONSES])("an event stream of %s", (path) => {
  function streams(...chunks: (string | Error)[]): void {
    answers(() => new Response(events(...chunks), { headers: { "content-type": "text/event-stream; charset=utf-8" } }));
  }

  it("goes on as it is", async () => {
    streams("data: 1\n\n", "data: [DONE]\n\n");
    const response = await send(env, { path });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await response.text()).toBe("data: 1\n\ndata: [DONE]\n\n");
  });

  it("that ends with an error of the agent's goes on as it is", async () => {
    const error = `event: error\ndata: ${JSON.stringify({ type: "error", ...NOT_READY })}\n\n`;
    streams("data: 1\n\n", error);
    expect(await (await send(env, { path })).text()).toBe(`data: 1\n\n${error}`);
  });

  it("that goes on with comments goes on as it is", async () => {
    streams(": still here\n\n", "data: 1\n\n");
    expect(await (await send(env, { path })).text()).toBe(": still here\n\ndata: 1\n\n");
  });

  it("that falls silent ends with an error event after the contract's time, and is cancelled", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const cancelled = vi.fn();
    const silent = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
      cancel: cancelled,
    });
    answers(() => new Response(silent, { headers: { "content-type": "text/event-stream" } }));
    const chunks = readable(await send(env, { path })).getReader();
    expect(new TextDecoder().decode((await chunks.read()).value)).toBe("data: 1\n\n");
    const next = chunks.read();
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 1000 });
    vi.advanceTimersByTime(LIMITS.IDLE_S * 1000 - 1);
    expect(cancelled).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    const text = new TextDecoder().decode((await next).value);
    expect(JSON.parse(text.trim().slice("data: ".length))).toMatchObject({ error: { code: "upstream_timeout" } });
    expect((await chunks.read()).done).toBe(true);
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it("that breaks ends with an error event, even in the middle of another", async () => {
    streams("data: 1\n\nda", new Error("lost"));
    const text = await (await send(env, { path })).text();
    expect(text.startsWith("data: 1\n\nda\n\ndata: {")).toBe(true);
    expect(JSON.parse(text.slice(text.lastIndexOf("data: ") + 6))).toMatchObject({
      error: { code: "upstream_failed", message: "The agent's answer broke off." },
    });
    expect(text).not.toContain("[DONE]");
  });
});

describe("a short answer that is no stream", () => {
  const log = vi.spyOn(console, "log");
  const short = { "content-type": "application/json", "content-length": "20" };

  beforeEach(() => {
    log.mockReset().mockReturnValue();
  });

  it("goes on once it is whole", async () => {
    answers(() => new Response(events('{"choices":', '"as it is"}'), { headers: short }));
    expect(await (await send(env)).text()).toBe('{"choices":"as it is"}');
  });

  it("breaks for the client where it breaks off, and stands in the log", async () => {
    answers(() => new Response(events('{"choices":', new Error("lost")), { headers: short }));
    const response = await send(env);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("lost");
    expect(log.mock.calls.flat().join()).toContain('"outcome":"upstream_broke"');
  });

  it("is given up where it is not whole in the contract's time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = Promise.withResolvers<void>();
    gateway.mockImplementation(async (request, init) => {
      await new Request(request, init).arrayBuffer();
      const start = (controller: ReadableStreamDefaultController): void =>
        init?.signal?.addEventListener("abort", () => controller.error(new Error("given up")));
      asked.resolve();
      return new Response(new ReadableStream({ start }), { headers: short });
    });
    const response = send(env);
    await asked.promise;
    vi.advanceTimersByTime(LIMITS.CONNECT_S * 1000);
    vi.advanceTimersByTime((LIMITS.FIRST_BYTE_S - LIMITS.CONNECT_S) * 1000);
    await expect((await response).text()).rejects.toThrow("given up");
  });
});

it("a long answer goes on as it comes", async () => {
  const going = new TransformStream<Uint8Array, Uint8Array>();
  const headers = { "content-type": "application/json", "content-length": "65537" };
  answers(() => new Response(going.readable, { headers }));
  const reader = readable(await send(env)).getReader();
  const read = reader.read();
  await going.writable.getWriter().write(new TextEncoder().encode("{"));
  expect(new TextDecoder().decode((await read).value)).toBe("{");
});

it("an answer that is no stream and breaks off does not look whole", async () => {
  answers(
    () => new Response(events('{"choices":', new Error("lost")), { headers: { "content-type": "application/json" } }),
  );
  await expect((await send(env)).text()).rejects.toThrow("lost");
});
