import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HEADERS, HOOKS, hookLabel, PATHS } from "../src/generated/contract";
import { type Deployed, deploy, PEPPER } from "./deployed";
import { Upstream } from "./upstream";

const BODY = '{"deal":"won"}';

let upstream: Upstream;
let edge: Deployed;

beforeAll(async () => {
  upstream = await Upstream.start();
  edge = await deploy(upstream.origin);
});

afterAll(async () => {
  await edge.stop();
  await upstream.stop();
});

/** A delivery as its sender signs it, by the secret `moltghost hook-secret` tells. */
function deliver(timestamp: number, body = BODY): Promise<Response> {
  const label = hookLabel("acme", "crm", "1");
  const secret = HOOKS.SECRET_PREFIX + createHmac("sha256", PEPPER).update(label).digest("base64url");
  const mac = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  const headers = { "content-type": "application/json", [HEADERS.HOOK_SIGNATURE]: `t=${timestamp},v1=${mac}` };
  return fetch(new URL(`${PATHS.HOOKS}/crm`, edge.url), { method: "POST", headers, body });
}

it("a delivery goes to the agent and its answer comes back, once", async () => {
  const timestamp = Math.floor(Date.now() / 1000);
  const delivered = deliver(timestamp);
  const { body, request, response } = await upstream.next();
  expect(request.url).toBe(PATHS.CHAT_COMPLETIONS);
  expect(JSON.parse(body)).toEqual({ model: "helper", messages: [{ role: "user", content: BODY }] });
  response.setHeader("content-type", "application/json").end('{"object":"chat.completion"}');
  expect(await (await delivered).json()).toEqual({ object: "chat.completion" });
  const again = await Promise.all([deliver(timestamp), deliver(timestamp)]);
  expect(again.map(({ status }) => status)).toEqual([409, 409]);
  expect(upstream.waiting).toBe(0);
});
