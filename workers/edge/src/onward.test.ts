import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "./env";
import { EDGE, HEADERS, LIMITS, regionKey, routeKey } from "./generated/contract";
import { edge, put, refusal, send, unlimited, urlOf } from "./testing/edge";

const NOT_READY = { error: { message: "m", type: "server_error", param: null, code: "agent_not_ready" } };
let env: Env;
let test = 0;
let names: { first: string; second: string; third: string };
/** How each region answers, by the name of its host. */
let regions: Record<string, (body: string) => Response | Promise<Response>>;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  // What an isolate remembers of a region it could not reach must not meet another test.
  test += 1;
  names = { first: `first-${test}`, second: `second-${test}`, third: `third-${test}` };
  for (const name of Object.values(names)) {
    await put(env.ROUTES, regionKey(name), { origin: `https://${name}.test`, state: EDGE.OPEN });
  }
  await livesIn(names.first, names.second, names.third);
  const good = (body: string) => Response.json({ model: JSON.parse(body).model });
  regions = { [names.first]: good, [names.second]: good, [names.third]: good };
  gateway.mockReset().mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const [name = ""] = new URL(request.url).hostname.split(".");
    const answer = regions[name]?.(await request.text());
    if (answer === undefined) {
      throw new Error("Network connection lost.");
    }
    return await answer;
  });
});

afterEach(() => {
  vi.useRealTimers();
});

async function livesIn(...where: string[]): Promise<void> {
  await put(env.ROUTES, routeKey("acme", "helper"), { regions: where, state: EDGE.OPEN });
}

/** A region to which there is no connection: none of the body but its first byte is taken. */
function unreachable(): void {
  const rest = gateway.getMockImplementation();
  gateway.mockImplementation(async (input, init) => {
    if (urlOf(input).hostname.startsWith(names.first)) {
      throw new Error("Network connection lost.");
    }
    return await (rest as typeof fetch)(input, init);
  });
}

const asked = (): string[] => gateway.mock.calls.map(([input]) => urlOf(input).hostname);
const hosts = (...of: string[]): string[] => of.map((name) => `${name}.test`);

it("the region the record prefers is asked, and no other", async () => {
  expect((await send(env)).status).toBe(200);
  expect(asked()).toEqual(hosts(names.first));
});

it("the nearest region is asked, where the records say which it is", async () => {
  await put(env.ROUTES, regionKey(names.third), {
    origin: `https://${names.third}.test`,
    state: EDGE.OPEN,
    near: ["SIN"],
  });
  await send(env, { cf: { colo: "SIN", continent: "AS" } });
  expect(asked()).toEqual(hosts(names.third));
});

describe("another region is asked", () => {
  it("with the same body, where the first has no connection to be had", async () => {
    unreachable();
    const response = await send(env);
    expect(await response.json()).toEqual({ model: "helper" });
    expect(asked()).toEqual(hosts(names.first, names.second));
  });

  it.each([521, 523, 525, 526, 530])("where Cloudflare says %d for an origin it did not reach", async (status) => {
    regions[names.first] = () => new Response("error code: 1033", { status });
    expect((await send(env)).status).toBe(200);
    expect(asked()).toEqual(hosts(names.first, names.second));
  });

  it("where the gateway says that it passed nothing on", async () => {
    regions[names.first] = () => Response.json(NOT_READY, { status: 503, headers: { [HEADERS.NOT_PASSED_ON]: "1" } });
    expect((await send(env)).status).toBe(200);
    expect(asked()).toEqual(hosts(names.first, names.second));
  });

  it("first by later requests, as long as the one that failed is remembered", async () => {
    unreachable();
    await send(env);
    gateway.mockClear();
    await send(env);
    expect(asked()).toEqual(hosts(names.second));
  });

  it("once, never a third", async () => {
    unreachable();
    regions[names.second] = () => new Response("error code: 1033", { status: 530 });
    expect(await refusal(await send(env))).toEqual({ status: 502, code: "upstream_failed", param: null });
    expect(asked()).toEqual(hosts(names.first, names.second));
  });
});

describe("a body is held back", () => {
  const held = (): boolean[] => gateway.mock.calls.map(([, init]) => init?.body instanceof ReadableStream);

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  });

  it("as long as another region could be asked", async () => {
    await send(env);
    await send(env);
    expect(held()).toEqual([true, true]);
  });

  it("where the only region has not answered lately, and not where it has", async () => {
    await livesIn(names.first);
    await send(env);
    await send(env);
    vi.setSystemTime(Date.now() + LIMITS.CONNECT_S * 1000);
    await send(env);
    expect(held()).toEqual([true, false, true]);
  });

  it("where the only one could not be reached since", async () => {
    await livesIn(names.first);
    await send(env);
    unreachable();
    await send(env);
    await send(env);
    expect(held()).toEqual([true, false, true]);
  });

  it("from the first of two, and not from the second where it has answered lately", async () => {
    regions[names.first] = () => Response.json(NOT_READY, { status: 503, headers: { [HEADERS.NOT_PASSED_ON]: "1" } });
    await send(env);
    await send(env);
    expect(asked()).toEqual(hosts(names.first, names.second, names.first, names.second));
    expect(held()).toEqual([true, true, true, false]);
  });
});

describe("no other region is asked", () => {
  const lost = () => Promise.reject(new Error("Network connection lost."));
  const plain =
    (status: number, headers = {}) =>
    () =>
      new Response("", { status, headers });

  it.each([
    { name: "lost the request when it had it whole", answer: lost },
    { name: "says 500", answer: plain(500) },
    { name: "says 502, as a tunnel may after it sent the request", answer: plain(502) },
    { name: "says 520", answer: plain(520) },
    { name: "says 522", answer: plain(522) },
    { name: "says 524", answer: plain(524) },
    { name: "says 503 of its agent's", answer: () => Response.json(NOT_READY, { status: 503 }) },
    { name: "passes an agent's own 530 on", answer: plain(530, { [HEADERS.REQUEST_ID]: "r" }) },
    { name: "answers", answer: plain(200, { [HEADERS.NOT_PASSED_ON]: "1" }) },
  ])("where the first $name", async ({ answer }) => {
    regions[names.first] = answer;
    await send(env);
    expect(asked()).toEqual(hosts(names.first));
  });

  it("where the first is slow", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const called = Promise.withResolvers<void>();
    gateway.mockImplementation(async (request, init) => {
      await new Request(request, init).arrayBuffer();
      return await new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        called.resolve();
      });
    });
    const response = send(unlimited(env));
    await called.promise;
    vi.advanceTimersByTime(LIMITS.FIRST_BYTE_S * 1000);
    expect((await refusal(await response)).status).toBe(504);
    expect(asked()).toEqual(hosts(names.first));
  });

  it("for a client that has gone", async () => {
    const client = new AbortController();
    gateway.mockImplementation(async () => {
      client.abort();
      throw new Error("aborted");
    });
    await send(env, { signal: client.signal });
    expect(asked()).toEqual(hosts(names.first));
  });

  it("where the agent lives in one alone", async () => {
    await livesIn(names.first);
    unreachable();
    expect((await refusal(await send(env))).status).toBe(502);
    expect(asked()).toEqual(hosts(names.first));
  });
});

describe("a region lost after it had the request", () => {
  it("is asked last by later requests", async () => {
    regions[names.first] = () => Promise.reject(new Error("Network connection lost."));
    expect((await send(env)).status).toBe(502);
    gateway.mockClear();
    expect((await send(env)).status).toBe(200);
    expect(asked()).toEqual(hosts(names.second));
  });
});

describe("what is answered when the second fails too", () => {
  beforeEach(() => {
    regions[names.first] = () =>
      Response.json(NOT_READY, { status: 503, headers: { [HEADERS.NOT_PASSED_ON]: "1", "retry-after": "5" } });
  });

  it("is what the first said of the agent, where the second could not be reached", async () => {
    regions[names.second] = () => new Response("", { status: 523 });
    const response = await send(env);
    expect(response.headers.get("retry-after")).toBe("5");
    expect((await refusal(response)).code).toBe("agent_not_ready");
  });

  it("is the second's failure, where the chat may have run there", async () => {
    regions[names.second] = () => Promise.reject(new Error("Network connection lost."));
    expect((await refusal(await send(env))).code).toBe("upstream_failed");
  });

  it("never tells the client what only the regions say to the edge", async () => {
    regions[names.second] = () => new Response("", { status: 523 });
    expect((await send(env)).headers.has(HEADERS.NOT_PASSED_ON)).toBe(false);
  });
});

describe("what is closed", () => {
  it("is not asked: a region", async () => {
    await put(env.ROUTES, regionKey(names.first), { origin: "https://first.test", state: EDGE.CLOSED });
    expect((await send(env)).status).toBe(200);
    expect(asked()).toEqual(hosts(names.second));
  });

  it("is not asked: an agent, which may come back", async () => {
    await put(env.ROUTES, routeKey("acme", "helper"), { regions: [names.first], state: EDGE.CLOSED });
    const response = await send(env);
    expect(response.headers.get("retry-after")).toBe(String(EDGE.KV_CACHE_S));
    expect(await refusal(response)).toEqual({ status: 503, code: "agent_not_ready", param: null });
    expect(asked()).toEqual([]);
  });

  it("is not asked: what does not say that it is open", async () => {
    await put(env.ROUTES, routeKey("acme", "helper"), { regions: [names.first] });
    expect((await refusal(await send(env))).code).toBe("internal_error");
    expect(asked()).toEqual([]);
  });

  it("is all that there is: then the agent is not ready", async () => {
    for (const name of Object.values(names)) {
      await put(env.ROUTES, regionKey(name), { origin: `https://${name}.test`, state: EDGE.CLOSED });
    }
    expect((await refusal(await send(env))).code).toBe("agent_not_ready");
  });
});

it("a region whose record cannot be used costs the agent no other", async () => {
  await put(env.ROUTES, regionKey(names.first), { origin: "not a URL", state: EDGE.OPEN });
  expect((await send(env)).status).toBe(200);
  expect(asked()).toEqual(hosts(names.second));
});
