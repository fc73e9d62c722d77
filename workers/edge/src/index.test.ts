import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "./env";
import { HEADERS, PATHS } from "./generated/contract";
import { edge, forwarded, refusal, send } from "./testing/edge";

let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset().mockImplementation(async () => Response.json({ object: "chat.completion" }));
});

describe("paths and methods", () => {
  it.each([
    { path: PATHS.CHAT_COMPLETIONS },
    { path: PATHS.RESPONSES },
    { path: PATHS.CHAT },
    { path: `${PATHS.CHAT}/helper` },
    { path: `${PATHS.CHAT_COMPLETIONS}?trace=1` },
  ])("answers POST $path", async ({ path }) => {
    const response = await send(env, { path });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ object: "chat.completion" });
  });

  it.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])("refuses %s of what is posted", async (method) => {
    for (const path of [PATHS.CHAT_COMPLETIONS, PATHS.CHAT, `${PATHS.CHAT}/helper`, PATHS.RESPONSES]) {
      const response = await send(env, { method, path });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("POST");
    }
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("refuses %s of what is read", async (method) => {
    const response = await send(env, { method, path: PATHS.MODELS });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
  });

  it.each([
    { path: PATHS.CHAT, onward: PATHS.CHAT_COMPLETIONS },
    { path: `${PATHS.CHAT}/helper`, onward: PATHS.CHAT_COMPLETIONS },
    { path: PATHS.CHAT_COMPLETIONS, onward: PATHS.CHAT_COMPLETIONS },
    { path: PATHS.RESPONSES, onward: PATHS.RESPONSES },
  ])("sends $path on to $onward", async ({ path, onward }) => {
    await send(env, { path });
    expect(new URL(forwarded(gateway).url).pathname).toBe(onward);
  });

  it.each([
    "/",
    "/v1/models/helper",
    "/v1/responses/",
    "/v1/responses/resp_1",
    "/v1/responses/helper",
    "/v1/chat/",
    "/v1/chat/helper/more",
    "/v1/chat/completions/",
    "/v1//chat/completions",
    "/V1/chat/completions",
    PATHS.LIVE,
    PATHS.READY,
    PATHS.METRICS,
    "/tools/invoke",
  ])("knows no %s", async (path) => {
    expect(await refusal(await send(env, { path }))).toEqual({ status: 404, code: "not_found", param: null });
    expect(gateway).not.toHaveBeenCalled();
  });
});

describe("every answer", () => {
  it.each([
    { name: "good", ask: {}, status: 200 },
    { name: "400", ask: { body: "{" }, status: 400 },
    { name: "401", ask: { key: "none" }, status: 401 },
    { name: "404", ask: { path: "/" }, status: 404 },
    { name: "405", ask: { method: "GET" }, status: 405 },
  ])("carries an id of ours and stays out of caches: $name", async ({ ask, status }) => {
    const response = await send(env, { ...ask, headers: { [HEADERS.REQUEST_ID]: "mine" } });
    expect(response.status).toBe(status);
    expect(response.headers.get(HEADERS.REQUEST_ID)).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it("says 500 and nothing more when the Worker itself is at fault", async () => {
    const response = await send({ ...env, EDGE_SIGNING_KEY: '{"kty":"OKP","d":"verysecret"' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("verysecret");
  });
});
