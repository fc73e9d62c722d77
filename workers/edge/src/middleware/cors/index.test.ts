import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { EDGE, HEADERS, originKey, originPrefix, PATHS } from "../../generated/contract";
import { ACME_KEY, edge, GLOBEX_KEY, put, recordReads, send } from "../../testing/edge";

const ACME = "https://app.acme.test";
const GLOBEX = "https://console.globex.test:8443";
let env: Env;
const PREFLIGHT = { origin: ACME, authorization: "", "access-control-request-method": "POST" };
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  await put(env.TENANTS, "acme", { origins: [ACME] });
  await put(env.TENANTS, "globex", { origins: [GLOBEX] });
  await put(env.TENANTS, originKey(ACME, "acme"), {});
  await put(env.TENANTS, originKey(GLOBEX, "globex"), {});
  gateway.mockReset().mockImplementation(async () => Response.json({}));
});

function preflight(origin: string, path: string = PATHS.CHAT_COMPLETIONS): Promise<Response> {
  const headers = {
    origin,
    authorization: "",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type, x-stainless-os",
  };
  return send(env, { method: "OPTIONS", path, headers, body: "" });
}

const allowed = (response: Response): string | null => response.headers.get("access-control-allow-origin");

/** What no answer may ever say, whoever asks. */
function expectNoWildcard(response: Response): void {
  expect(allowed(response)).not.toBe("*");
  expect(response.headers.has("access-control-allow-credentials")).toBe(false);
  expect(response.headers.get("vary")).toContain("origin");
}

describe("a preflight", () => {
  it.each([ACME, GLOBEX])("from a declared origin is answered without a key: %s", async (origin) => {
    for (const path of [PATHS.CHAT_COMPLETIONS, PATHS.CHAT, PATHS.RESPONSES, PATHS.MODELS]) {
      const response = await preflight(origin, path);
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
      expect(allowed(response)).toBe(origin);
      expect(response.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST");
      expect(response.headers.get("access-control-allow-headers")).toBe("authorization, content-type, *");
      expect(response.headers.get("access-control-max-age")).toBe(String(EDGE.PREFLIGHT_CACHE_S));
      expect(response.headers.get("vary")).toMatch(/access-control-request-headers.*origin/);
      expect(response.headers.get(HEADERS.REQUEST_ID)).toMatch(/^[0-9a-f-]{36}$/);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expectNoWildcard(response);
    }
    expect(gateway).not.toHaveBeenCalled();
  });

  it.each([
    "https://evil.test",
    "https://app.acme.test.evil.test",
    "https://app.acme.test:8443",
    "https://app.acme",
    "https://console.globex.test",
    "http://app.acme.test",
    "https://APP.acme.test",
    "https://app.acme.test/",
    "null",
    "*",
    "acme",
    `https://${"a".repeat(600)}.test`,
    "https://app.acme.test https://evil.test",
  ])("from any other is refused like every OPTIONS: %s", async (origin) => {
    const response = await preflight(origin);
    expect(response.status).toBe(405);
    expect(allowed(response)).toBeNull();
    expect(response.headers.has("access-control-allow-methods")).toBe(false);
    expectNoWildcard(response);
  });

  it("from an origin of two tenants is answered for as long as one of them has it", async () => {
    await put(env.TENANTS, originKey(ACME, "globex"), {});
    await env.TENANTS.delete(originKey(ACME, "acme"));
    expect((await preflight(ACME)).status).toBe(204);
  });

  it("is answered out of memory for a while: a list costs more than a read", async () => {
    const { env: watched, reads } = recordReads(env);
    for (let again = 0; again < 3; again += 1) {
      expect((await send(watched, { method: "OPTIONS", headers: PREFLIGHT, body: "" })).status).toBe(204);
    }
    expect(reads).toEqual([`${originPrefix(ACME)}*`]);
  });

  it("reflects nothing of what it asks for", async () => {
    const headers = {
      origin: ACME,
      "access-control-request-method": "BREW",
      "access-control-request-headers": "x-evil",
    };
    const response = await send(env, { method: "OPTIONS", headers, body: "" });
    expect(JSON.stringify([...response.headers])).not.toMatch(/BREW|x-evil/i);
  });
});

describe("an answer", () => {
  it.each([
    { name: "a chat", ask: {} },
    { name: "a list", ask: { method: "GET", path: PATHS.MODELS } },
    { name: "a refusal of the caller's", ask: { body: "{" } },
    { name: "an agent there is not", ask: { body: { model: "none" } } },
  ])("may be read by a page of the caller's tenant: $name", async ({ ask }) => {
    const response = await send(env, { ...ask, headers: { origin: ACME } });
    expect(allowed(response)).toBe(ACME);
    expect(response.headers.get("access-control-expose-headers")).toContain(HEADERS.REQUEST_ID);
    expect(response.headers.get("access-control-expose-headers")).toContain(HEADERS.RECEIPT);
    expectNoWildcard(response);
  });

  it.each([
    { name: "another tenant's", key: ACME_KEY, origin: GLOBEX },
    { name: "another tenant's, the other way round", key: GLOBEX_KEY, origin: ACME },
    { name: "nobody's", key: ACME_KEY, origin: "https://evil.test" },
    { name: "a sandboxed page's", key: ACME_KEY, origin: "null" },
  ])("is not for a page of $name", async ({ key, origin }) => {
    const response = await send(env, { key, method: "GET", path: PATHS.MODELS, headers: { origin } });
    expect(response.status).toBe(200);
    expect(allowed(response)).toBeNull();
    expectNoWildcard(response);
  });

  it("to a key there is not is for no page", async () => {
    const response = await send(env, { key: `mg_acme_${"z".repeat(32)}`, headers: { origin: ACME } });
    expect(response.status).toBe(401);
    expect(allowed(response)).toBeNull();
  });

  it("of a tenant that declared nothing is for no page", async () => {
    await env.TENANTS.delete("acme");
    expect(allowed(await send(env, { headers: { origin: ACME } }))).toBeNull();
  });

  it("without an origin differs by it still", async () => {
    const response = await send(env);
    expect(allowed(response)).toBeNull();
    expectNoWildcard(response);
  });

  it("of ours is kept where the tenant's record cannot be used: its limits are not known either", async () => {
    await put(env.TENANTS, "acme", { origins: "all" });
    const response = await send(env, { headers: { origin: ACME } });
    expect(response.status).toBe(500);
    expect(allowed(response)).toBeNull();
  });
});
