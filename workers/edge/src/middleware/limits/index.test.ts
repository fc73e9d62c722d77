import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { EDGE, HEADERS, PATHS, RATES, routeKey } from "../../generated/contract";
import type { Limits } from "../../limiter/rules";
import { type Ask, edge, madeUpKey, put, refusal, send } from "../../testing/edge";
import { hashApiKey } from "../authenticate/api-key";

const QUOTA = { tokens_month: 100, price_in: 1, price_out: 2 };
const STREAM = { body: { model: "helper", messages: [], stream: true } };
const gateway = vi.spyOn(globalThis, "fetch");
const log = vi.spyOn(console, "log");

let env: Env;
let tenants = 0;
let tenant: string;

beforeEach(async () => {
  ({ env } = await edge());
  tenants += 1;
  // The limiter's objects outlive a test: each test has a tenant of its own.
  tenant = `limits-${tenants}`;
  await put(env.ROUTES, routeKey(tenant, "helper"), { regions: ["local"], state: EDGE.OPEN });
  await key({});
  gateway.mockReset().mockImplementation(async () => Response.json({ object: "chat.completion" }));
  log.mockReset().mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Gives the test's own tenant a key of this name. */
async function key(more: object, name = "k1"): Promise<void> {
  const record = { tenant, key: name, agents: [EDGE.ALL_AGENTS], ...more };
  await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, madeUpKey(tenant, name)), record);
}

async function limit(limits: Partial<Limits>): Promise<void> {
  await put(env.TENANTS, tenant, { limits });
}

/** An answer with all of its aftermath. */
async function ask(more: Ask = {}, from: Env = env): Promise<Response> {
  const context = createExecutionContext();
  const response = await send(from, { key: madeUpKey(tenant, "k1"), ...more }, context);
  const whole = new Response(await response.arrayBuffer(), response);
  await waitOnExecutionContext(context);
  return whole;
}

async function statuses(times: number, more: Ask = {}): Promise<number[]> {
  const all: number[] = [];
  for (let time = 0; time < times; time += 1) {
    all.push((await ask(more)).status);
  }
  return all;
}

/** A gateway that streams `text` and says with a header what a whole answer took. */
function answers(text: string, type: string, headers: Record<string, string> = {}): void {
  gateway.mockImplementation(async () => new Response(text, { headers: { "content-type": type, ...headers } }));
}

const events = (said: string): string => `data: {"a":1}\n\n${said}data: [DONE]\n\n`;

describe("the rate", () => {
  it("is that of the tenant, over all of its keys and paths, and says how it stands", async () => {
    await limit({ per_minute: 3, burst: 3 });
    const first = await ask();
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "ratelimit-limit": "3",
      "ratelimit-remaining": "2",
      "ratelimit-reset": "60",
    });
    expect((await ask({ method: "GET", path: PATHS.MODELS })).headers.get("ratelimit-remaining")).toBe("1");
    await key({ key: "k2" });
    expect((await ask()).headers.get("ratelimit-remaining")).toBe("0");
    gateway.mockClear();
    const refused = await ask();
    expect(await refusal(refused)).toEqual({ status: 429, code: "rate_limit_exceeded", param: null });
    expect(refused.headers.get("ratelimit-remaining")).toBe("0");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect(refused.headers.get("retry-after")).toBe(refused.headers.get("ratelimit-reset"));
    expect(gateway).not.toHaveBeenCalled();
  });

  it("is free again when the time said is over, and not before", async () => {
    vi.useFakeTimers({ now: Date.UTC(2100, 0, 1), toFake: ["Date"] });
    await limit({ per_minute: 100, burst: 2 });
    expect(await statuses(3)).toEqual([200, 200, 429]);
    vi.setSystemTime(Date.now() + 999);
    expect(await statuses(1)).toEqual([429]);
    vi.setSystemTime(Date.now() + 1);
    expect(await statuses(3)).toEqual([200, 200, 429]);
  });

  it("of a key may be tighter than its tenant's, and holds for that key alone", async () => {
    await limit({ per_minute: 100, burst: 100 });
    await key({ limits: { per_minute: 2 } });
    expect(await statuses(3)).toEqual([200, 200, 429]);
    await key({}, "k2");
    expect(await statuses(1, { key: madeUpKey(tenant, "k2") })).toEqual([200]);
  });

  it("is the platform's own for a tenant of whom nothing is said", async () => {
    await env.TENANTS.delete(tenant);
    expect((await ask()).headers.get("ratelimit-limit")).toBe(String(RATES.PER_MINUTE));
  });

  it("counts a request that comes to nothing, too", async () => {
    await limit({ per_minute: 2, burst: 2 });
    const missing = { body: { model: "none", messages: [] } };
    expect(await statuses(3, missing)).toEqual([404, 404, 429]);
  });

  it.each([[{ per_minute: "3" }], [{ per_minute: -1 }], ["none"], [null]])(
    "of a record that cannot be read fails closed: %j",
    async (limits) => {
      await put(env.TENANTS, tenant, { limits });
      expect((await ask()).status).toBe(500);
    },
  );
});

describe("streams", () => {
  it("are counted while they last", async () => {
    await limit({ streams: 1 });
    const going = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "content-type": "text/event-stream" };
    gateway.mockImplementation(async () => new Response(going.readable, { headers }));
    const context = createExecutionContext();
    const first = await send(env, { ...STREAM, key: madeUpKey(tenant, "k1") }, context);
    expect(first.status).toBe(200);
    const second = await ask(STREAM);
    expect(await refusal(second)).toEqual({ status: 429, code: "rate_limit_exceeded", param: null });
    expect(second.headers.get("retry-after")).toBe("1");
    answers("{}", "application/json");
    expect((await ask()).status).toBe(200);
    const read = first.text();
    await going.writable.close();
    await read;
    await waitOnExecutionContext(context);
    answers(events(""), "text/event-stream");
    expect(await statuses(2, STREAM)).toEqual([200, 200]);
  });

  it("are counted for as long as they say something", async () => {
    vi.useFakeTimers({ now: Date.UTC(2100, 0, 1), toFake: ["Date"] });
    await limit({ streams: 1 });
    const going = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "content-type": "text/event-stream" };
    gateway.mockImplementation(async () => new Response(going.readable, { headers }));
    const context = createExecutionContext();
    const reader = (await send(env, { ...STREAM, key: madeUpKey(tenant, "k1") }, context)).body?.getReader();
    const writer = going.writable.getWriter();
    for (let heard = 0; heard < 3; heard += 1) {
      vi.setSystemTime(Date.now() + (RATES.LEASE_S - 1) * 1000);
      const read = reader?.read();
      await writer.write(new TextEncoder().encode(": keep-alive\n\n"));
      await read;
      await vi.waitFor(async () => expect((await ask(STREAM)).status).toBe(429));
    }
    vi.setSystemTime(Date.now() + RATES.LEASE_S * 1000);
    answers(events(""), "text/event-stream");
    expect((await ask(STREAM)).status).toBe(200);
    await writer.close();
    await reader?.read();
    await waitOnExecutionContext(context);
  });

  it.each(["the client goes", "the client cancels", "the gateway breaks off", "the gateway refuses"])(
    "are over when %s",
    async (how) => {
      await limit({ streams: 1 });
      const client = new AbortController();
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
        pull: (controller) => (how === "the gateway breaks off" ? controller.error(new Error("broken")) : undefined),
      });
      const refused = how === "the gateway refuses";
      gateway.mockImplementation(async () =>
        refused
          ? new Response("no", { status: 500 })
          : new Response(body, { headers: { "content-type": "text/event-stream" } }),
      );
      const context = createExecutionContext();
      const response = await send(env, { ...STREAM, key: madeUpKey(tenant, "k1"), signal: client.signal }, context);
      const reader = response.body?.getReader();
      await reader?.read();
      if (how === "the client goes") {
        client.abort();
      } else if (how === "the client cancels") {
        await reader?.cancel();
      } else {
        while (!(await reader?.read())?.done) {
          // to the end
        }
      }
      await waitOnExecutionContext(context);
      answers(events(""), "text/event-stream");
      expect((await ask(STREAM)).status).toBe(200);
    },
  );

  it("go on byte by byte, with the door's word on the usage in a comment of theirs", async () => {
    const text = events(`:${HEADERS.USAGE} 3 4\n\n`);
    answers(text, "text/event-stream");
    expect(await (await ask(STREAM)).text()).toBe(text);
  });
});

describe("the quota", () => {
  it("is used up by whole answers, of which clients are not told how they are counted", async () => {
    await limit(QUOTA);
    answers("{}", "application/json", { [HEADERS.USAGE]: "60 40" });
    const first = await ask();
    expect(first.status).toBe(200);
    expect(first.headers.has(HEADERS.USAGE)).toBe(false);
    const refused = await ask();
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.headers.get("x-should-retry")).toBe("false");
    expect(await refusal(refused)).toEqual({ status: 429, code: "insufficient_quota", param: null });
    expect((await ask({ method: "GET", path: PATHS.MODELS })).status).toBe(200);
  });

  it("is used up by streams", async () => {
    await limit({ spend_month: 140, ...QUOTA, tokens_month: 1000 });
    answers(events(`:${HEADERS.USAGE} 60 39\n\n`), "text/event-stream");
    expect(await statuses(1, STREAM)).toEqual([200]);
    answers(events(`:${HEADERS.USAGE} 0 1\n\n`), "text/event-stream");
    expect(await statuses(2, STREAM)).toEqual([200, 429]);
  });

  it("is used up by what is known of a stream that was broken off", async () => {
    await limit({ tokens_month: 2 });
    answers('data: {"a":1}\n\ndata: {"b":1}\n\n', "text/event-stream");
    expect(await statuses(2, STREAM)).toEqual([200, 429]);
  });
});

describe("an exact limiter that is down", () => {
  const down = (how: () => Promise<never>): Env => ({
    ...env,
    LIMITER: new Proxy(env.LIMITER, { get: () => () => ({ admit: how }) }),
  });
  const fails = async (): Promise<never> => await Promise.reject(new Error("overloaded"));

  it("lets requests through up to the coarse wall, and says so", async () => {
    await limit({ per_minute: 100 });
    const response = await ask({}, down(fails));
    expect(response.status).toBe(200);
    expect(response.headers.has("ratelimit-limit")).toBe(false);
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    expect(lines.find(({ event }) => event === "limiter_down")).toMatchObject({
      tenant,
      decision: "open",
      reason: "overloaded",
    });
    const [wall, height] = RATES.WALLS[0];
    const others = Array.from({ length: height - 2 }, async () => await env[wall].limit({ key: tenant }));
    expect((await Promise.all(others)).every(({ success }) => success)).toBe(true);
    expect((await ask({}, down(fails))).status).toBe(200);
    const refused = await ask({}, down(fails));
    expect(await refusal(refused)).toEqual({ status: 429, code: "rate_limit_exceeded", param: null });
    expect(refused.headers.get("retry-after")).toBe(String(RATES.WALL_PERIOD_S));
  });

  it("refuses a tenant with a quota, and says so", async () => {
    await limit(QUOTA);
    const response = await ask({}, down(fails));
    expect(await refusal(response)).toEqual({ status: 503, code: "quota_unknown", param: null });
    expect(response.headers.get("retry-after")).toBe("5");
    expect(log.mock.calls.flat().join()).toContain('"decision":"closed"');
    expect((await ask({ method: "GET", path: PATHS.MODELS }, down(fails))).status).toBe(200);
  });

  it("is held to be down when it takes too long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await limit(QUOTA);
    const asked = Promise.withResolvers<void>();
    const response = ask(
      {},
      down(async () => {
        asked.resolve();
        return await new Promise<never>(() => undefined);
      }),
    );
    await asked.promise;
    await vi.advanceTimersByTimeAsync(RATES.LIMITER_MS);
    vi.useRealTimers();
    expect((await response).status).toBe(503);
  });
});

it("does without a wall that cannot be asked, and says so", async () => {
  const wall = { limit: async () => await Promise.reject(new Error("away")) };
  const [[name]] = RATES.WALLS;
  await limit({ per_minute: 1 });
  const from = { ...env, [name]: wall };
  expect([(await ask({}, from)).status, (await ask({}, from)).status]).toEqual([200, 429]);
  expect(log.mock.calls.flat().join()).toContain('"event":"wall_down"');
});

it("says in the log what of an answer could not be counted", async () => {
  await limit(QUOTA);
  const lost = vi.fn(async () => await Promise.reject(new Error("gone")));
  const verdict = { retryMs: 0, rate: { limit: 1, remaining: 1, resetMs: 0 } };
  const admission = { count: lost, [Symbol.dispose]: () => undefined };
  const limiter = { admit: async () => ({ verdict, admission }), count: lost };
  answers("{}", "application/json", { [HEADERS.USAGE]: "60 40" });
  const from = { ...env, LIMITER: new Proxy(env.LIMITER, { get: () => () => limiter }) };
  expect((await ask({}, from)).status).toBe(200);
  expect(lost).toHaveBeenCalledTimes(2);
  const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
  expect(lines.find(({ event }) => event === "usage_lost")).toMatchObject({ tenant, read: 60, made: 40 });
});

it("puts the lowest wall before a tenant that is at least twice as high as its limit", () => {
  const heights = RATES.WALLS.map(([, height]) => height);
  expect(heights).toEqual([...heights].sort((one, other) => one - other));
  expect(heights.at(-1)).toBeGreaterThanOrEqual(2 * RATES.MAX_PER_MINUTE);
});
