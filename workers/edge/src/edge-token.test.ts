import { createLocalJWKSet, decodeProtectedHeader, exportJWK, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EdgeTokens, edgeTokens } from "./edge-token";
import type { Env } from "./env";
import { HEADERS, TOKEN } from "./generated/contract";
import { edge, send } from "./testing/edge";

const CLAIMS = { tenant: "acme", agent: "helper", key: "k1", request: "r1" };
let env: Env;
let publicKey: CryptoKey;
let tokens: EdgeTokens;

beforeEach(async () => {
  ({ env, publicKey } = await edge());
  tokens = await EdgeTokens.load(env.EDGE_SIGNING_KEY);
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a token", () => {
  it("says whom it speaks for, for a minute, and verifies", async () => {
    const { payload, protectedHeader } = await jwtVerify(await tokens.token(CLAIMS), publicKey, {
      issuer: TOKEN.ISSUER,
      audience: "acme/helper",
    });
    expect(protectedHeader).toEqual({ alg: "EdDSA", kid: "test-1", typ: "JWT" });
    const { iat, exp, ...rest } = payload;
    expect(rest).toEqual({ iss: TOKEN.ISSUER, aud: "acme/helper", tid: "acme", key: "k1", rid: "r1" });
    expect(Number(exp) - Number(iat)).toBe(TOKEN.LIFETIME_S);
  });

  it("does not verify with another key", async () => {
    const other = (await edge()).publicKey;
    await expect(jwtVerify(await tokens.token(CLAIMS), other)).rejects.toThrow("signature");
  });

  it("is used again until half its life is over", async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
    const first = await tokens.token(CLAIMS);
    vi.setSystemTime(Date.now() + (TOKEN.LIFETIME_S / 2 - 1) * 1000);
    expect(await tokens.token({ ...CLAIMS, request: "r2" })).toBe(first);
    vi.setSystemTime(Date.now() + 1000);
    expect(await tokens.token(CLAIMS)).not.toBe(first);
  });

  it.each([{ tenant: "globex" }, { agent: "private" }, { key: "k2" }])(
    "is never used for another %j",
    async (other) => {
      const first = await tokens.token(CLAIMS);
      const second = await tokens.token({ ...CLAIMS, ...other });
      expect(second).not.toBe(first);
      expect(await tokens.token(CLAIMS)).toBe(first);
    },
  );
});

describe("the signing key", () => {
  it.each(["", "verysecret", "{}", '{"kty":"OKP","crv":"Ed25519","kid":"verysecret","x":"AAAA"}', "null"])(
    "that cannot be used is named, never quoted: %j",
    async (secret) => {
      const failure = EdgeTokens.load(secret);
      await expect(failure).rejects.toThrow("EDGE_SIGNING_KEY is not a private Ed25519 JWK with a kid");
      await expect(failure).rejects.not.toThrow("verysecret");
    },
  );

  it("without a kid is refused", async () => {
    const { kid: _, ...jwk } = JSON.parse(env.EDGE_SIGNING_KEY);
    await expect(EdgeTokens.load(JSON.stringify(jwk))).rejects.toThrow("with a kid");
  });

  it("signs under its own kid, so that both verify while both are live, and the retired one no more", async () => {
    const [before, after] = await Promise.all([edge(), edge("test-2")]);
    const sign = async (secret: string) => await (await edgeTokens(secret)).token(CLAIMS);
    const old = await sign(before.env.EDGE_SIGNING_KEY);
    const fresh = await sign(after.env.EDGE_SIGNING_KEY);
    expect([old, fresh].map((token) => decodeProtectedHeader(token).kid)).toEqual(["test-1", "test-2"]);
    const jwk = async (key: CryptoKey, kid: string) => ({ ...(await exportJWK(key)), kid });
    const keys = await Promise.all([jwk(before.publicKey, "test-1"), jwk(after.publicKey, "test-2")]);
    const live = createLocalJWKSet({ keys });
    await jwtVerify(old, live);
    await jwtVerify(fresh, live);
    const retired = createLocalJWKSet({ keys: keys.slice(1) });
    await jwtVerify(fresh, retired);
    await expect(jwtVerify(old, retired)).rejects.toThrow("no applicable key");
  });

  it("takes effect as soon as it is rotated", async () => {
    const first = await edgeTokens(env.EDGE_SIGNING_KEY);
    expect(await edgeTokens(env.EDGE_SIGNING_KEY)).toBe(first);
    const rotated = (await edge()).env.EDGE_SIGNING_KEY;
    expect(await edgeTokens(rotated)).not.toBe(first);
  });
});

it("goes to the gateway, the same for the next request", async () => {
  const gateway = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json({}));
  await send(env);
  await send(env);
  const [first, second] = gateway.mock.calls.map(([, init]) => new Headers(init?.headers));
  expect(first?.get(HEADERS.EDGE_TOKEN)).toBe(second?.get(HEADERS.EDGE_TOKEN));
  expect(first?.get(HEADERS.REQUEST_ID)).not.toBe(second?.get(HEADERS.REQUEST_ID));
  gateway.mockRestore();
});
