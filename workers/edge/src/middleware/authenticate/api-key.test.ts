import { beforeEach, describe, expect, it, vi } from "vitest";
import vectors from "../../../../../tests/vectors/api_keys.json";
import type { Env } from "../../env";
import { EDGE } from "../../generated/contract";
import { ACME_KEY, edge, madeUpKey, put, recordReads, refusal, send } from "../../testing/edge";
import { apiKeyCheck, hashApiKey } from "./api-key";

let env: Env;

beforeEach(async () => {
  ({ env } = await edge());
  vi.spyOn(globalThis, "fetch")
    .mockReset()
    .mockImplementation(async () => Response.json({}));
});

describe("as the program does, the Worker", () => {
  it.each(vectors.good)("hashes and checks $key", async ({ key, hash }) => {
    expect(await hashApiKey(vectors.pepper, key)).toBe(hash);
    expect(apiKeyCheck(key.slice(0, -EDGE.API_KEY_CHECK))).toBe(key.slice(-EDGE.API_KEY_CHECK));
  });

  it.each(vectors.bad)("refuses %s before any look-up", async (key) => {
    await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, key), { tenant: "acme", key: "k1", agents: ["*"] });
    const { env: watched, reads } = recordReads(env);
    expect(await refusal(await send(watched, { key }))).toEqual({ status: 401, code: "invalid_api_key", param: null });
    expect(reads).toEqual([]);
  });
});

it("hashes under the pepper it is given, also after another", async () => {
  const first = await hashApiKey("one", ACME_KEY);
  expect(await hashApiKey("two", ACME_KEY)).not.toBe(first);
  expect(await hashApiKey("one", ACME_KEY)).toBe(first);
});

it("tells each wrong character of a key by its check", () => {
  const known = ACME_KEY.slice(0, -EDGE.API_KEY_CHECK);
  for (let at = 0; at < known.length; at += 1) {
    const wrong = `${known.slice(0, at)}${known[at] === "q" ? "r" : "q"}${known.slice(at + 1)}`;
    expect(apiKeyCheck(wrong)).not.toBe(ACME_KEY.slice(-EDGE.API_KEY_CHECK));
  }
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
    "Bearer sk-0123456789abcdefghijklmnopqrstuv",
    `Bearer ${ACME_KEY}/../x`,
    `Bearer mg_acme_${"a".repeat(129)}`,
  ])("is refused before any look-up: %j", async (authorization) => {
    const { env: watched, reads } = recordReads(env);
    const response = await send(watched, { headers: { authorization } });
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refusal(response)).toEqual({ status: 401, code: "invalid_api_key", param: null });
    expect(reads).toEqual([]);
  });
});

describe("a look-up", () => {
  it("is by the hash alone, and once, whether there is such a key or not", async () => {
    for (const [key, status] of [
      [ACME_KEY, 200],
      [madeUpKey("acme", "z"), 401],
      [madeUpKey("nobody", "z"), 401],
    ] as const) {
      const { env: watched, reads } = recordReads(env);
      expect((await send(watched, { key })).status).toBe(status);
      expect((await send(watched, { key })).status).toBe(status);
      expect(reads.filter((read) => /^[0-9a-f]{64}$/.test(read))).toEqual([await hashApiKey(env.KEY_PEPPER, key)]);
      expect(reads.join()).not.toContain(key);
    }
  });

  it("takes the scheme in any case", async () => {
    expect((await send(env, { headers: { authorization: `bearer ${ACME_KEY}` } })).status).toBe(200);
  });

  it("under another pepper finds nothing", async () => {
    expect((await send({ ...env, KEY_PEPPER: "another" })).status).toBe(401);
  });

  it.each([
    { tenant: "acme", key: "k1" },
    { key: "k1", agents: ["*"] },
    { tenant: "acme", agents: [1], key: "k1" },
    { tenant: "acme", agents: ["*"], key: "k1", methods: ["tools"] },
    { tenant: "acme", agents: ["*"], key: "k1", models: "tiny" },
    { tenant: "acme", agents: ["*"], key: "k1", expires: "2030-01-01" },
    { tenant: "acme", agents: ["*"], key: "k1", cidrs: ["203.0.113.0"] },
    { tenant: "globex", agents: ["*"], key: "k1" },
    [],
  ])("of a record that is not what the program writes fails closed: %j", async (record) => {
    await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), record);
    expect((await send(env)).status).toBe(500);
  });
});
