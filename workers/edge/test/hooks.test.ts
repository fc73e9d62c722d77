import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EDGE, HEADERS, HOOKS, hookKey, hookLabel, PATHS } from "../src/generated/contract";
import { ACME_KEY, type Deployed, deploy, PEPPER } from "./deployed";
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

/** A delivery's signature, by the secret `moltghost hook-secret` tells. */
function signature(hook: string, timestamp: string, body: string): string {
  const label = hookLabel("acme", hook, "1");
  const secret = HOOKS.SECRET_PREFIX + createHmac("sha256", PEPPER).update(label).digest("base64url");
  return `t=${timestamp},v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

function deliver(timestamp: number, hook = "crm", body = BODY): Promise<Response> {
  const signed = signature(hook, String(timestamp), body);
  const headers = { "content-type": "application/json", [HEADERS.HOOK_SIGNATURE]: signed };
  return fetch(new URL(`${PATHS.HOOKS}/${hook}`, edge.url), { method: "POST", headers, body });
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

describe("a hook with a receiver", () => {
  let receiver: Upstream;

  beforeAll(async () => {
    receiver = await Upstream.start();
    const deliver_to = `${receiver.origin}/answers`;
    await edge.put(EDGE.BINDING_TENANTS, hookKey("erp"), {
      tenant: "acme",
      agent: "helper",
      versions: [1],
      deliver_to,
    });
  });

  afterAll(async () => {
    await receiver.stop();
  });

  const deadLetters = async (path = "", method = "GET"): Promise<Response> => {
    const headers = { authorization: `Bearer ${ACME_KEY}` };
    return await fetch(new URL(`${PATHS.HOOKS}/erp/dead-letters${path}`, edge.url), { method, headers });
  };

  it("is answered at once; the agent's answer comes signed, and again when asked for", async () => {
    const taken = await deliver(Math.floor(Date.now() / 1000), "erp");
    expect(taken.status).toBe(202);
    const { id }: { id: string } = await taken.json();
    const chat = await upstream.next();
    chat.response.setHeader("content-type", "application/json").end('{"object":"chat.completion"}');
    const first = await receiver.next();
    expect([first.request.method, first.request.url]).toEqual(["POST", "/answers"]);
    expect(first.request.headers[HEADERS.HOOK_DELIVERY]).toBe(id);
    const signed = String(first.request.headers[HEADERS.HOOK_SIGNATURE]);
    expect(signed).toBe(signature("erp", signed.slice(2, 12), first.body));
    const answer = { object: "chat.completion" };
    expect(JSON.parse(first.body)).toEqual({ id, hook: "erp", agent: "helper", status: 200, answer });
    first.response.writeHead(410).end();
    const letters = await vi.waitFor(async () => {
      const { data }: { data: unknown[] } = await (await deadLetters()).json();
      expect(data).toMatchObject([{ id, agent: "helper", tries: 1, last_status: 410 }]);
      return data;
    });
    expect(JSON.stringify(letters)).not.toContain("chat.completion");
    expect((await deadLetters(`/${id}`, "POST")).status).toBe(202);
    const second = await receiver.next();
    expect(second.request.headers[HEADERS.HOOK_DELIVERY]).toBe(id);
    expect(second.body).toBe(first.body);
    second.response.writeHead(204).end();
    await vi.waitFor(async () => expect((await deadLetters(`/${id}`, "POST")).status).toBe(404));
    expect(await (await deadLetters()).json()).toEqual({ object: "list", data: [] });
    expect(upstream.waiting).toBe(0);
  });
});
