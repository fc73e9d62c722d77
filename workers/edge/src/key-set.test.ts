import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "./env";
import { issuerKey } from "./generated/contract";
import { ACME_KEY, edge, put, refusal, send } from "./testing/edge";
import { relabelled, TestIssuer } from "./testing/issuer";

const NOW = 1_800_000_000;
let env: Env;
let issuer: TestIssuer;
/** What the issuer answers to who asks for its keys, instead of them. */
let answers: (() => Response | Promise<Response>) | undefined;
const fetched = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  vi.useFakeTimers({ now: NOW * 1000, toFake: ["Date"] });
  issuer = await TestIssuer.start();
  answers = undefined;
  fetched.mockReset().mockImplementation(async (to) => {
    const url = to instanceof Request ? to.url : String(to);
    return url === issuer.jwks ? await (answers?.() ?? Response.json({ keys: issuer.published })) : Response.json({});
  });
  await put(env.TENANTS, issuerKey(issuer.name), issuer.record());
});

afterEach(() => {
  vi.useRealTimers();
});

function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

async function status(token: string): Promise<number> {
  return (await send(env, { key: token })).status;
}

/** How often the key set was fetched. */
function fetches(): number {
  return fetched.mock.calls.filter(([to]) => to === issuer.jwks).length;
}

describe("an issuer that takes another key", () => {
  it("is believed at once, and its old key as long as it is published", async () => {
    const old = await issuer.token();
    expect(await status(old)).toBe(200);
    later(30);
    issuer.published.push(await issuer.newKey("two"));
    expect(await status(await issuer.token({}, {}, "two"))).toBe(200);
    expect(await status(old)).toBe(200);
    expect(fetches()).toBe(2);
  });

  it("is not believed in a key it has taken out, once five minutes are over", async () => {
    const old = await issuer.token({ exp: NOW + 3600 });
    expect(await status(old)).toBe(200);
    issuer.published = [await issuer.newKey("two")];
    later(299);
    expect(await status(old)).toBe(200);
    later(1);
    expect(await status(old)).toBe(401);
  });

  it("is not asked again and again for keys nobody has", async () => {
    await status(await issuer.token());
    for (let second = 0; second < 60; second += 1) {
      expect(await status(relabelled(await issuer.token(), { kid: `guess-${second}` }))).toBe(401);
      later(1);
    }
    expect(fetches()).toBe(2);
  });
});

describe("a key set that cannot be fetched", () => {
  const FAULTS: Record<string, () => Response | Promise<Response>> = {
    "is away": () => new Response("", { status: 503 }),
    "is elsewhere": () => new Response(null, { status: 302, headers: { location: "https://evil.example/jwks" } }),
    "is a page": () => new Response("<html>"),
    "is no set": () => Response.json({ keys: "none" }),
    "is a list": () => Response.json([]),
    "has no end": () => new Response("x".repeat(70_000)),
    "cannot be reached": async () => await Promise.reject(new Error("Network connection lost.")),
  };
  it.each(Object.keys(FAULTS))("lets nobody in, and says it is our fault: it %s", async (fault) => {
    answers = FAULTS[fault];
    const response = await send(env, { key: await issuer.token() });
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await refusal(response)).toEqual({ status: 503, code: "signing_keys_unavailable", param: null });
    expect(fetched.mock.calls.some(([to]) => to instanceof Request)).toBe(false);
  });

  it("is asked for again after five seconds, not before", async () => {
    answers = FAULTS["is away"];
    expect(await status(await issuer.token())).toBe(503);
    answers = undefined;
    later(4);
    expect(await status(await issuer.token())).toBe(503);
    later(1);
    expect(await status(await issuer.token())).toBe(200);
    expect(fetches()).toBe(2);
  });

  it("is used as it was for an hour, and then no more", async () => {
    const token = await issuer.token({ exp: NOW + 7200 });
    expect(await status(token)).toBe(200);
    answers = FAULTS["cannot be reached"];
    later(3599);
    expect(await status(token)).toBe(200);
    later(1);
    expect(await status(token)).toBe(503);
    answers = undefined;
    later(5);
    expect(await status(token)).toBe(200);
  });

  it("does not make a key nobody knows a bad one", async () => {
    expect(await status(await issuer.token())).toBe(200);
    answers = FAULTS["is away"];
    later(30);
    await issuer.newKey("two");
    expect(await status(await issuer.token({}, {}, "two"))).toBe(503);
    expect(await status(await issuer.token())).toBe(200);
  });

  it("keeps nobody waiting who has its keys, while somebody else fetches it", async () => {
    const token = await issuer.token({ exp: NOW + 3600 });
    expect(await status(token)).toBe(200);
    later(300);
    const slow = Promise.withResolvers<Response>();
    answers = async () => await slow.promise;
    const first = status(token);
    await vi.waitFor(() => {
      expect(fetches()).toBe(2);
    });
    expect(await status(token)).toBe(200);
    expect(fetches()).toBe(2);
    slow.resolve(Response.json({ keys: issuer.published }));
    expect(await first).toBe(200);
  });
});

it("does not touch those who come with a key of ours", async () => {
  answers = () => new Response("", { status: 503 });
  await status(await issuer.token());
  expect(await status(ACME_KEY)).toBe(200);
});
