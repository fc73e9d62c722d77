import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { EDGE } from "../../generated/contract";
import { ACME_KEY, edge, put, recordReads, refusal, send } from "../../testing/edge";
import { hashApiKey } from ".";

let env: Env;

beforeEach(async () => {
  ({ env } = await edge());
  vi.spyOn(globalThis, "fetch")
    .mockReset()
    .mockImplementation(async () => Response.json({}));
});

it("hashes as the program does", async () => {
  // hash_api_key("pepper", "mg_acme_key") of runtime/contract/edge.py
  expect(await hashApiKey("pepper", "mg_acme_key")).toBe(
    "cb70918305c1c2db787059b611da9adec876e5c2ba51e50bb3dd7771a2665937",
  );
});

it("hashes under the pepper it is given, also after another", async () => {
  const first = await hashApiKey("one", ACME_KEY);
  expect(await hashApiKey("two", ACME_KEY)).not.toBe(first);
  expect(await hashApiKey("one", ACME_KEY)).toBe(first);
});

describe("a key that is not one", () => {
  it.each([
    "",
    "Bearer",
    "Bearer ",
    `Basic ${ACME_KEY}`,
    ACME_KEY,
    `Bearer ${ACME_KEY} more`,
    "Bearer mg_acme_short",
    "Bearer mg_ACME_0123456789abcdefghijklmnop",
    "Bearer sk-0123456789abcdefghijklmnopqrstuv",
    `Bearer ${ACME_KEY}/../x`,
    `Bearer mg_acme_${"a".repeat(129)}`,
  ])("is refused before any look-up: %j", async (authorization) => {
    const { env: watched, reads } = recordReads(env);
    const response = await send(watched, { headers: { authorization } });
    expect(await refusal(response)).toEqual({ status: 401, code: "invalid_api_key", param: null });
    expect(reads).toEqual([]);
  });
});

describe("a look-up", () => {
  it("is by the hash alone, and once, whether there is such a key or not", async () => {
    for (const [key, status] of [
      [ACME_KEY, 200],
      [`${ACME_KEY}x`, 401],
      [`mg_acme_${"z".repeat(32)}`, 401],
    ] as const) {
      const { env: watched, reads } = recordReads(env);
      expect((await send(watched, { key })).status).toBe(status);
      expect(reads.filter((read) => /^[0-9a-f]{64}$/.test(read))).toEqual([await hashApiKey(env.KEY_PEPPER, key)]);
      expect(reads.join()).not.toContain(key);
    }
  });

  it("takes the scheme in any case and the key in its own", async () => {
    expect((await send(env, { headers: { authorization: `bearer ${ACME_KEY}` } })).status).toBe(200);
    const shouted = `${ACME_KEY.slice(0, 20)}${ACME_KEY.slice(20).toUpperCase()}`;
    expect((await send(env, { key: shouted })).status).toBe(401);
  });

  it("under another pepper finds nothing", async () => {
    expect((await send({ ...env, KEY_PEPPER: "another" })).status).toBe(401);
  });

  it.each([
    { tenant: "acme", key: "k1" },
    { key: "k1", agents: ["*"] },
    { tenant: "acme", agents: [1], key: "k1" },
    [],
  ])("of a record that is not whole fails closed: %j", async (record) => {
    await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), record);
    expect((await send(env)).status).toBe(500);
  });

  it("may be answered from a cache for as long as the contract says, and no longer", () => {
    expect(EDGE.KV_CACHE_S).toBeLessThanOrEqual(60);
  });
});
