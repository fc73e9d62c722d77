import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { PATHS } from "../../generated/contract";
import { ACME_KEY, type Ask, edge, put, recordReads, refusal, send } from "../../testing/edge";
import { hashApiKey } from "./api-key";

const NOW = 1_800_000_000;
const CERTIFICATE = { tlsClientAuth: { certPresented: "1", certVerified: "FAILED:certificate has expired" } };
let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");
const log = vi.spyOn(console, "log");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset().mockImplementation(async () => Response.json({}));
  log.mockReset().mockReturnValue();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What acme's key opens from now on. */
async function opens(record: object): Promise<void> {
  const whole = { tenant: "acme", key: "k1", agents: ["*"], ...record };
  await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), whole);
}

async function from(address: string | null): Promise<Response> {
  return await send(env, { headers: address === null ? {} : { "cf-connecting-ip": address } });
}

describe("two credentials", () => {
  it.each<{ name: string; ask: Ask }>([
    { name: "two keys", ask: { headers: { authorization: `Bearer ${ACME_KEY}, Bearer ${ACME_KEY}` } } },
    { name: "a key and a certificate", ask: { cf: CERTIFICATE } },
    { name: "another scheme and a certificate", ask: { headers: { authorization: "Basic eDp5" }, cf: CERTIFICATE } },
  ])("are refused whether or not they are good: $name", async ({ ask }) => {
    const { env: watched, reads } = recordReads(env);
    const answer = await refusal(await send(watched, ask));
    expect(answer).toEqual({ status: 400, code: "invalid_request", param: null });
    expect(reads).toEqual([]);
  });
});

it.each([PATHS.CHAT_COMPLETIONS, PATHS.CHAT, `${PATHS.CHAT}/helper`, PATHS.RESPONSES])(
  "lets nobody to POST %s without one, whatever the body says",
  async (path) => {
    for (const body of [{ model: "helper", messages: [] }, "{", "x".repeat(2_000_000)]) {
      expect((await send(env, { path, headers: { authorization: "" }, body })).status).toBe(401);
    }
    expect(gateway).not.toHaveBeenCalled();
  },
);

describe("an expiry", () => {
  it("ends a key in the second it names, and says so", async () => {
    await opens({ expires: NOW + 1 });
    expect((await send(env)).status).toBe(200);
    vi.setSystemTime((NOW + 1) * 1000);
    const response = await send(env);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("These credentials have expired.");
  });
});

describe("a source", () => {
  it.each([
    { cidrs: ["203.0.113.0/24"], address: "203.0.113.255", status: 200 },
    { cidrs: ["203.0.113.0/24"], address: "203.0.114.0", status: 403 },
    { cidrs: ["203.0.113.7/32", "198.51.100.0/25"], address: "198.51.100.127", status: 200 },
    { cidrs: ["203.0.113.7/32", "198.51.100.0/25"], address: "198.51.100.128", status: 403 },
    { cidrs: ["2001:db8::/33"], address: "2001:db8:7fff::1", status: 200 },
    { cidrs: ["2001:db8::/33"], address: "2001:db8:8000::1", status: 403 },
    { cidrs: ["203.0.113.0/24"], address: "::ffff:203.0.113.9", status: 200 },
    { cidrs: ["203.0.113.0/24"], address: "::ffff:cb00:7109", status: 200 },
    { cidrs: ["2001:db8::/32"], address: "203.0.113.9", status: 403 },
    { cidrs: ["0.0.0.0/0"], address: "2001:db8::1", status: 403 },
    { cidrs: ["::/0"], address: "203.0.113.9", status: 403 },
    { cidrs: ["0.0.0.0/0", "::/0"], address: "2001:db8::1", status: 200 },
    { cidrs: ["0.0.0.0/0"], address: "203.0.113.9, 10.0.0.1", status: 403 },
    { cidrs: ["0.0.0.0/0"], address: "not an address", status: 403 },
    { cidrs: ["0.0.0.0/0", "::/0"], address: null, status: 403 },
    { cidrs: [], address: "203.0.113.9", status: 403 },
  ])("in $cidrs, $address: $status", async ({ cidrs, address, status }) => {
    await opens({ cidrs });
    expect((await from(address)).status).toBe(status);
  });

  it("of no range is any", async () => {
    expect((await from("203.0.113.9")).status).toBe(200);
    expect((await from(null)).status).toBe(200);
  });

  it("is not what the client writes elsewhere", async () => {
    await opens({ cidrs: ["203.0.113.0/24"] });
    const headers = { "x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "true-client-ip": "203.0.113.9" };
    const answer = await refusal(await send(env, { headers }));
    expect(answer).toEqual({ status: 403, code: "forbidden", param: null });
  });
});

describe("a key for some operations", () => {
  const ASKS = [
    { operation: "chat", ask: {} },
    { operation: "chat", ask: { path: PATHS.CHAT } },
    { operation: "responses", ask: { path: PATHS.RESPONSES } },
    { operation: "models", ask: { path: PATHS.MODELS, method: "GET" } },
  ];
  it.each(ASKS)("does $operation alone: $ask", async ({ operation, ask }) => {
    await opens({ methods: [operation] });
    expect((await send(env, ask)).status).toBe(200);
    for (const other of ASKS.filter((each) => each.operation !== operation)) {
      const answer = await refusal(await send(env, other.ask));
      expect(answer).toEqual({ status: 403, code: "forbidden", param: null });
    }
  });

  it("does nothing when it names none", async () => {
    await opens({ methods: [] });
    expect((await send(env)).status).toBe(403);
  });
});

describe("a key for some models", () => {
  it.each([
    { models: ["tiny"], status: 200 },
    { models: ["large", "tiny"], status: 200 },
    { models: ["large"], status: 404 },
    { models: [], status: 404 },
  ])("reaches the agents that run them, and no other is there: $models", async ({ models, status }) => {
    await opens({ models });
    expect((await send(env)).status).toBe(status);
  });
});

it("says in the log whose request was refused", async () => {
  await opens({ cidrs: ["203.0.113.0/24"] });
  await from("198.51.100.1");
  expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({ outcome: "forbidden", tenant: "acme", key: "k1" });
});
