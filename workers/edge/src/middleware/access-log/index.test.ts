import { beforeEach, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { ACME_KEY, edge, send } from "../../testing/edge";

let env: Env;
const log = vi.spyOn(console, "log");

beforeEach(async () => {
  ({ env } = await edge());
  log.mockReset().mockReturnValue();
  vi.spyOn(globalThis, "fetch")
    .mockReset()
    .mockImplementation(async () => new Response("oops", { status: 500 }));
});

it("says who asked for what and how it ended, and not a word of what was said", async () => {
  await send(env, { body: { model: "helper", messages: [{ role: "user", content: "my secret plan" }] } });
  expect(log).toHaveBeenCalledOnce();
  const text = String(log.mock.calls[0]?.[0]);
  expect(JSON.parse(text)).toMatchObject({
    event: "request",
    method: "POST",
    status: 502,
    outcome: "upstream_failed",
    tenant: "acme",
    key: "k1",
    agent: "helper",
    reason: "the gateway answered 500",
  });
  expect(text).not.toContain("secret plan");
  expect(text).not.toContain(ACME_KEY);
});

it.each([
  { name: "a body that is no JSON", ask: { body: "my secret plan" }, outcome: "invalid_request" },
  { name: "an agent there is not", ask: { body: { model: "secret plan" } }, outcome: "model_not_found" },
  { name: "a path there is not", ask: { path: "/secret plan" }, outcome: "not_found" },
])("keeps what a client wrote out of the line: $name", async ({ ask, outcome }) => {
  await send(env, ask);
  const text = String(log.mock.calls[0]?.[0]);
  expect(JSON.parse(text).outcome).toBe(outcome);
  expect(text).not.toContain("secret");
});

it("never quotes the signing key", async () => {
  await send({ ...env, EDGE_SIGNING_KEY: "verysecret" });
  const text = String(log.mock.calls[0]?.[0]);
  expect(JSON.parse(text)).toMatchObject({ outcome: "internal_error" });
  expect(text).not.toContain("verysecret");
  expect(text).toContain("EDGE_SIGNING_KEY is not");
});
