import { base64url, decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { EDGE, HEADERS, issuerKey, PATHS } from "../../generated/contract";
import { edge, ORIGIN, put, recordReads, refusal, send, urlOf } from "../../testing/edge";
import { relabelled, TestIssuer } from "../../testing/issuer";

const NOW = 1_800_000_000;
let env: Env;
let issuer: TestIssuer;
const fetched = vi.spyOn(globalThis, "fetch");
const log = vi.spyOn(console, "log");

beforeEach(async () => {
  ({ env } = await edge());
  vi.useFakeTimers({ now: NOW * 1000, toFake: ["Date"] });
  issuer = await TestIssuer.start();
  log.mockReset().mockReturnValue();
  fetched.mockReset().mockImplementation(async (to) => {
    const url = to instanceof Request ? to.url : String(to);
    return url === issuer.jwks ? Response.json({ keys: issuer.published }) : Response.json({});
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

/** What the agent hears of the caller. */
function passedOn(): Record<string, unknown> {
  const [, init] = fetched.mock.calls.find(([to]) => urlOf(to).origin === ORIGIN) ?? [];
  return decodeJwt(new Headers(init?.headers).get(HEADERS.EDGE_TOKEN) ?? "");
}

describe("a good token", () => {
  it.each(EDGE.JWT_ALGORITHMS)("signed with %s stands for its issuer's tenant", async (algorithm) => {
    issuer = await TestIssuer.start(algorithm);
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record());
    expect(await status(await issuer.token())).toBe(200);
    expect(passedOn()).toMatchObject({ tid: "acme", aud: "acme/helper" });
  });

  it("has a name of its subject's own that says nothing of the subject", async () => {
    await send(env, { key: await issuer.token() });
    const { key } = passedOn();
    expect(key).toMatch(/^login:[0-9a-f]{32}$/);
    fetched.mockClear();
    await send(env, { key: await issuer.token({ sub: "grace" }) });
    expect(passedOn().key).not.toBe(key);
  });

  it("costs one fetch of the keys, and none when they are known", async () => {
    const { env: watched, reads } = recordReads(env);
    await send(watched, { key: await issuer.token() });
    const cold = reads.length;
    await send(watched, { key: await issuer.token({ sub: "grace" }) });
    expect([fetches(), reads.length]).toEqual([1, cold]);
  });

  it("may be for several audiences of which we are one", async () => {
    expect(await status(await issuer.token({ aud: ["mail", "agents"] }))).toBe(200);
  });
});

describe("a clock that is off", () => {
  it.each([
    { claims: { exp: NOW - 59 }, expected: 200 },
    { claims: { exp: NOW - 60 }, expected: 401 },
    { claims: { nbf: NOW + 60 }, expected: 200 },
    { claims: { nbf: NOW + 61 }, expected: 401 },
  ])("is forgiven for a minute: $claims", async ({ claims, expected }) => {
    expect(await status(await issuer.token(claims))).toBe(expected);
  });

  it("ends a token while it is in use", async () => {
    const token = await issuer.token({ exp: NOW + 10 });
    later(10 + EDGE.JWT_LEEWAY_S - 1);
    expect(await status(token)).toBe(200);
    later(1);
    const response = await send(env, { key: token });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("The token has expired.");
  });
});

describe("a token is refused", () => {
  it.each([
    { name: "of another issuer", claims: { iss: "https://login.globex.example/" } },
    { name: "of an issuer whose name only begins alike", claims: { iss: "https://login-1.acme.example/x" } },
    { name: "of an issuer that is no text", claims: { iss: 7 } },
    { name: "of an issuer with a name too long for a look-up", claims: { iss: `https://${"é".repeat(300)}` } },
    { name: "of no issuer", claims: { iss: undefined } },
    { name: "for another audience", claims: { aud: "mail" } },
    { name: "for no audience", claims: { aud: undefined } },
    { name: "that never expires", claims: { exp: undefined } },
    { name: "whose expiry is text", claims: { exp: "1900000000" } },
    { name: "that is of nobody", claims: { sub: undefined } },
    { name: "whose subject is empty", claims: { sub: "" } },
    { name: "without a kid, though there is but one key", header: { kid: undefined } },
    { name: "with an empty kid", header: { kid: "" } },
    { name: "with the kid of no key", header: { kid: "two" } },
  ])("$name", async ({ claims, header }) => {
    const token = await issuer.token(claims, header);
    expect(await refusal(await send(env, { key: token }))).toMatchObject({ status: 401, code: "invalid_api_key" });
    expect(fetched.mock.calls.some(([to]) => to instanceof Request)).toBe(false);
  });

  it.each(["", ".", "a.b.c", "a.b.", `${"a".repeat(5000)}.${"b".repeat(5000)}.c`, "e30.e30.e30", "bnVsbA.bnVsbA.AA"])(
    "when it is none: %.20s",
    async (token) => {
      expect(await status(token)).toBe(401);
    },
  );

  it("when one character of it is another", async () => {
    const token = await issuer.token();
    const [header, payload, signature] = token.split(".") as [string, string, string];
    const forged = base64url.encode(JSON.stringify({ ...issuer.claims(), scope: "agent:*" }));
    expect(await status(`${header}.${forged}.${signature}`)).toBe(401);
    expect(
      await status(`${header}.${payload}.${signature.replace(/^./, (first) => (first === "A" ? "B" : "A"))}`),
    ).toBe(401);
    expect(await status(token)).toBe(200);
  });

  it("signed with no algorithm, or with the public key as a secret", async () => {
    const unsecured = new UnsecuredJWT(issuer.claims()).encode();
    expect(await status(`${relabelled(unsecured, { alg: "none", kid: "one" })}AA`)).toBe(401);
    const secret = new TextEncoder().encode(JSON.stringify(issuer.published[0]));
    const symmetric = new SignJWT(issuer.claims()).setProtectedHeader({ alg: "HS256", kid: "one" });
    expect(await status(await symmetric.sign(secret))).toBe(401);
  });

  it("signed with another algorithm than its issuer is held to", async () => {
    const other = await generateKeyPair("RS256", { extractable: true });
    issuer.published.push({ ...(await exportJWK(other.publicKey)), kid: "rsa" });
    const token = new SignJWT(issuer.claims()).setProtectedHeader({ alg: "RS256", kid: "rsa" });
    expect(await status(await token.sign(other.privateKey))).toBe(401);
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record({ algorithm: "RS256" }));
    const fresh = (await edge()).env;
    expect((await send(fresh, { key: await token.sign(other.privateKey) })).status).toBe(200);
  });

  it("when the record of its issuer is another's", async () => {
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record({ issuer: "https://login.globex.example/" }));
    expect(await status(await issuer.token())).toBe(401);
  });

  it("of another tenant's issuer for our agents", async () => {
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record({ tenant: "globex" }));
    const token = await issuer.token({ scope: "agent:helper agent:*", tid: "acme" });
    expect(await status(token)).toBe(404);
    expect((await send(env, { key: token, body: { model: "acme/helper", messages: [] } })).status).toBe(404);
  });

  it("when the key set holds a private key, or two of its name", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    issuer.published = [{ ...(await exportJWK(privateKey)), kid: "one" }];
    expect(await status(await issuer.token())).toBe(401);
    issuer = await TestIssuer.start();
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record());
    issuer.published.push({ ...(await issuer.newKey("other")), kid: "one" });
    expect(await status(await issuer.token())).toBe(401);
  });
});

describe("scopes", () => {
  it.each([
    { scope: "agent:helper", expected: 200 },
    { scope: "agent:*", expected: 200 },
    { scope: ["openid", "agent:helper"], expected: 200 },
    { scope: "agent:private", expected: 404 },
    { scope: "helper", expected: 404 },
    { scope: "xagent:helper", expected: 404 },
    { scope: undefined, expected: 404 },
    { scope: { agent: "helper" }, expected: 404 },
    { scope: [["agent:helper"], 7], expected: 404 },
    { scope: "agent:helper method:chat", expected: 200 },
    { scope: "agent:helper method:models method:responses", expected: 403 },
    { scope: "agent:helper method:everything", expected: 403 },
    { scope: "agent:helper model:tiny", expected: 200 },
    { scope: "agent:helper model:large", expected: 404 },
  ])("of $scope: $expected", async ({ scope, expected }) => {
    expect(await status(await issuer.token({ scope }))).toBe(expected);
  });

  it("stand in the claim the program names", async () => {
    await put(env.TENANTS, issuerKey(issuer.name), issuer.record({ scope_claim: "https://acme.example/agents" }));
    const claims = { scope: "agent:*", "https://acme.example/agents": ["agent:helper"] };
    const response = await send(env, { key: await issuer.token(claims), path: PATHS.MODELS, method: "GET" });
    const { data } = await response.json<{ data: { id: string }[] }>();
    expect(data.map(({ id }) => id)).toEqual(["helper"]);
  });
});

it("says in the log why, and not a word of the token", async () => {
  const token = await issuer.token({ aud: "mail", sub: "ada@acme.example" });
  await status(token);
  const line = String(log.mock.calls[0]?.[0]);
  expect(JSON.parse(line)).toMatchObject({ outcome: "invalid_api_key", reason: "ERR_JWT_CLAIM_VALIDATION_FAILED" });
  expect(line).not.toContain("ada@");
  expect(line).not.toContain(token.split(".")[1]);
});
