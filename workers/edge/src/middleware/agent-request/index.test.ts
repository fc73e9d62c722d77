import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { LIMITS, PATHS } from "../../generated/contract";
import { edge, forwarded, refusal, send } from "../../testing/edge";

let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset().mockImplementation(async () => Response.json({}));
});

/** The body the gateway got. */
async function sent(): Promise<string> {
  return await forwarded(gateway).text();
}

describe("a body", () => {
  it.each(["", "{", "[]", "null", '"text"', "1", "\u0000"])("that is no JSON object is refused: %j", async (body) => {
    const response = await send(env, { body });
    expect(await refusal(response)).toEqual({ status: 400, code: "invalid_request", param: null });
  });

  it("that is not UTF-8 is refused", async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"model":"helper","x":"'), 0xff, 0x22, 0x7d]);
    expect(await refusal(await send(env, { body: bytes }))).toMatchObject({ status: 400 });
  });

  it("that is packed is refused", async () => {
    expect((await send(env, { headers: { "content-encoding": "gzip" } })).status).toBe(400);
  });

  it("over the limit is refused, at the limit it is not", async () => {
    const start = '{"model":"helper"}';
    const pad = " ".repeat(LIMITS.BODY_BYTES - start.length);
    expect((await send(env, { body: start + pad })).status).toBe(200);
    const response = await send(env, { body: `${start}${pad} ` });
    expect(await refusal(response)).toEqual({ status: 413, code: "request_too_large", param: null });
  });

  it("goes on byte by byte when `model` names the agent", async () => {
    const body = '{ "model": "helper",  "seed": 12345678901234567890, "messages": [] }';
    await send(env, { body });
    expect(await sent()).toBe(body);
  });
});

describe("the agent", () => {
  it.each([
    { path: PATHS.CHAT, body: { agent: "helper", model: "other" } },
    { path: PATHS.CHAT, body: { agent: "acme/helper" } },
    { path: `${PATHS.CHAT}/helper`, body: { model: "other", agent: "another" } },
    { path: `${PATHS.CHAT}/helper`, body: {} },
  ])("goes on as `model`, whatever named it: %j", async ({ path, body }) => {
    expect((await send(env, { path, body: { ...body, user: "u" } })).status).toBe(200);
    expect(JSON.parse(await sent())).toEqual({ model: "helper", user: "u" });
  });

  it.each([
    { body: {}, param: "model" },
    { body: { model: 1 }, param: "model" },
    { body: { model: "" }, param: "model" },
    { body: { agent: null }, param: "agent" },
    { body: { agent: ["helper"], model: "helper" }, param: "agent" },
  ])("must be named by text: $body", async ({ body, param }) => {
    const response = await send(env, { body });
    expect(await refusal(response)).toEqual({ status: 400, code: "invalid_request", param });
  });
});
