import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../env";
import { EDGE, HEADERS, HOOKS, hookKey, PATHS, routeKey } from "../generated/contract";
import { ACME_KEY, edge, GLOBEX_KEY, ORIGIN, PEPPER, put, refusal, send } from "../testing/edge";
import { isGenuine, isTimely, parseSigned, signatureOf, signedBytes } from "./signature";

/** An alarm that lies in the past would ring by itself. */
const START = Date.UTC(2100, 5, 15);
const RECEIVER = "https://crm.test/answers";
const SAID = "the deal of Ms Lovelace";
const MADE = "ring her on Monday";

let env: Env;
let hooks = 0;
let hook: string;
/** What the receiver answers, in turn; 200 after that. */
let answers: (number | Error | Response)[];
/** What the agent answers. */
let agent: () => Promise<Response>;
let chats: number;
let sent: { readonly request: Request; readonly body: Uint8Array }[];

beforeEach(async () => {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  ({ env } = await edge());
  hooks += 1;
  hook = `later-${hooks}`;
  await declare({});
  [answers, chats, sent] = [[], 0, []];
  agent = async () => Response.json({ object: "chat.completion", said: MADE }, { headers: { [HEADERS.USAGE]: "9 5" } });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = new Request(input);
    if (request.url.startsWith(ORIGIN)) {
      chats += 1;
      return await agent();
    }
    sent.push({ request, body: new Uint8Array(await request.arrayBuffer()) });
    const answer = answers.shift() ?? 200;
    if (answer instanceof Error) {
      throw answer;
    }
    if (answer instanceof Response) {
      return answer;
    }
    const headers = answer >= 300 && answer < 400 ? { location: "https://elsewhere.test/" } : {};
    return new Response(null, { status: answer, headers });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function declare(more: object, tenant = "acme"): Promise<void> {
  const record = { tenant, agent: "helper", versions: [1], deliver_to: RECEIVER, ...more };
  await put(env.TENANTS, hookKey(hook), record);
}

async function deliver(body = SAID, tenant = "acme"): Promise<Response> {
  const bytes = new TextEncoder().encode(body);
  const signed = await signatureOf(PEPPER, { tenant, id: hook, versions: [1] }, Math.floor(Date.now() / 1000), bytes);
  const headers = { authorization: "", [HEADERS.HOOK_SIGNATURE]: signed };
  return await send(env, { path: `${PATHS.HOOKS}/${hook}`, headers, body });
}

/** Takes a delivery in, and says what it is called. */
async function taken(body = SAID): Promise<string> {
  const response = await deliver(body);
  expect(response.status).toBe(202);
  return (await response.json<{ id: string }>()).id;
}

const outbox = (tenant = "acme") => env.HOOK_OUTBOX.getByName(`${tenant}/${hook}`);
const ring = async (tenant = "acme"): Promise<boolean> => await runDurableObjectAlarm(outbox(tenant));

/** The time of the next alarm, ms from now. */
const wait = async (): Promise<number> =>
  ((await runInDurableObject(outbox(), (_, state) => state.storage.getAlarm())) ?? Number.NaN) - Date.now();

/** Lets the time come for what is next, and has it done. */
async function next(): Promise<void> {
  vi.setSystemTime(Date.now() + (await wait()));
  await ring();
}

interface Letters {
  readonly data: { readonly id: string; readonly tries: number; readonly last_status: number | null }[];
}

const list = async (key = ACME_KEY): Promise<Response> =>
  await send(env, { path: `${PATHS.HOOKS}/${hook}/dead-letters`, method: "GET", key });
const letters = async (): Promise<Letters["data"]> => (await (await list()).json<Letters>()).data;
const again = async (id: string, key = ACME_KEY): Promise<Response> =>
  await send(env, { path: `${PATHS.HOOKS}/${hook}/dead-letters/${id}`, key });
const bodies = (): unknown[] => sent.map(({ body }) => JSON.parse(new TextDecoder().decode(body)));
const header = (name: string): string[] => sent.map(({ request }) => request.headers.get(name) ?? "");

describe("an answer", () => {
  it("is delivered once, signed as deliveries to us are", async () => {
    await declare({ versions: [1, 2] });
    const id = await taken();
    expect(chats).toBe(0);
    await ring();
    expect([chats, sent.length]).toEqual([1, 1]);
    const [{ request, body: bytes }] = sent as [(typeof sent)[number]];
    expect([request.method, request.url, request.redirect]).toEqual(["POST", RECEIVER, "manual"]);
    expect(request.headers.get(HEADERS.HOOK_DELIVERY)).toBe(id);
    expect(request.headers.get("content-type")).toBe("application/json");
    const signed = parseSigned(request.headers.get(HEADERS.HOOK_SIGNATURE) ?? "");
    expect(signed?.signatures).toHaveLength(2);
    for (const versions of [[1], [2]]) {
      const of = { tenant: "acme", id: hook, versions };
      expect(signed !== null && (await isGenuine(PEPPER, of, signed, signedBytes(signed, bytes)))).toBe(true);
    }
    const answer = { object: "chat.completion", said: MADE };
    expect(bodies()).toEqual([{ id, hook, agent: "helper", status: 200, answer }]);
    expect(await ring()).toBe(false);
    expect(await letters()).toEqual([]);
  });

  it("that is an error is delivered as one", async () => {
    const error = { message: "busy", type: "server_error", param: null, code: "busy" };
    agent = async () => Response.json({ error }, { status: 503 });
    const id = await taken();
    await ring();
    expect(bodies()).toEqual([{ id, hook, agent: "helper", status: 503, error }]);
  });

  it.each([
    { name: "there is none", answer: () => Promise.reject(new Error("Network connection lost.")) },
    { name: "it is no JSON", answer: async () => new Response("<html>") },
    { name: "it is too large", answer: async () => new Response("x".repeat(1_048_577)) },
  ])("is an error when $name", async ({ answer }) => {
    agent = answer;
    await taken();
    await ring();
    expect(bodies()).toMatchObject([{ status: 502, error: { code: "upstream_failed" } }]);
  });

  it("counts to the tenant's quota", async () => {
    const tenant = `metered-${hooks}`;
    await put(env.TENANTS, tenant, { limits: { tokens_month: 14 } });
    await put(env.ROUTES, routeKey(tenant, "helper"), { regions: ["local"], state: EDGE.OPEN });
    await declare({}, tenant);
    expect((await deliver("one", tenant)).status).toBe(202);
    expect((await deliver("two", tenant)).status).toBe(202);
    await ring(tenant);
    expect(chats).toBe(2);
    expect((await refusal(await deliver("three", tenant))).code).toBe("insufficient_quota");
  });
});

it("a delivery is refused while too many answers wait", async () => {
  const full = { getByName: () => ({ take: async () => false }) };
  env = { ...env, HOOK_OUTBOX: full as unknown as Env["HOOK_OUTBOX"] };
  const response = await deliver();
  expect(response.headers.get("retry-after")).toBe("60");
  expect((await refusal(response)).code).toBe("deliveries_waiting");
});

it("a delivery that was refused so was not taken: the very same is, once there is room", async () => {
  const own = env;
  const full = { getByName: () => ({ take: async () => false }) };
  const signed = await signatureOf(
    PEPPER,
    { tenant: "acme", id: hook, versions: [1] },
    Math.floor(Date.now() / 1000),
    new TextEncoder().encode(SAID),
  );
  const ask = {
    path: `${PATHS.HOOKS}/${hook}`,
    headers: { authorization: "", [HEADERS.HOOK_SIGNATURE]: signed },
    body: SAID,
  };
  expect((await send({ ...own, HOOK_OUTBOX: full as unknown as Env["HOOK_OUTBOX"] }, ask)).status).toBe(429);
  expect((await send(own, ask)).status).toBe(202);
  expect((await send(own, ask)).status).toBe(409);
});

describe("an answer that is not taken", () => {
  it("is sent again, later each time, the same but for its signature's time", async () => {
    answers = [500, 307, new Error("Network connection lost.")];
    const id = await taken();
    await ring();
    for (const least of [10_000, 40_000, 160_000]) {
      const late = await wait();
      expect(late).toBeGreaterThanOrEqual(least);
      expect(late).toBeLessThanOrEqual(least * 1.5);
      await next();
    }
    expect(chats).toBe(1);
    expect(sent.map(({ request }) => request.url)).toEqual(Array.from({ length: 4 }, () => RECEIVER));
    expect(new Set(header(HEADERS.HOOK_DELIVERY))).toEqual(new Set([id]));
    expect(new Set(bodies().map((body) => JSON.stringify(body))).size).toBe(1);
    const signed = header(HEADERS.HOOK_SIGNATURE).map((each) => parseSigned(each));
    expect(new Set(signed.map((each) => each?.timestamp)).size).toBe(4);
    const last = signed.at(-1) ?? null;
    expect(last !== null && isTimely(last)).toBe(true);
    expect(await ring()).toBe(false);
  });

  it("is given up after the last try", async () => {
    answers = Array.from({ length: HOOKS.TRIES }, () => 503);
    const id = await taken();
    await ring();
    for (let tries = 1; tries < HOOKS.TRIES; tries += 1) {
      expect(await letters()).toEqual([]);
      await next();
    }
    expect(sent).toHaveLength(HOOKS.TRIES);
    const created = START / 1000;
    const letter = { object: "hook.dead_letter", id, agent: "helper", created, tries: 8, last_status: 503 };
    expect(await letters()).toEqual([letter]);
    expect(await wait()).toBe(HOOKS.DEAD_LETTER_S * 1000);
    await next();
    expect(await letters()).toEqual([]);
    expect(sent).toHaveLength(HOOKS.TRIES);
  });

  it.each([
    { name: "longer than we would wait", header: "3600", least: 3_600_000, most: 3_600_000 },
    { name: "less than we would wait", header: "1", least: 10_000, most: 15_000 },
    { name: "for ever", header: "999999999", least: 7_200_000, most: 7_200_000 },
    { name: "in words", header: "soon", least: 10_000, most: 15_000 },
  ])("waits as a busy receiver asks: $name", async ({ header: asked, least, most }) => {
    answers = [new Response(null, { status: 503, headers: { "retry-after": asked } })];
    await taken();
    await ring();
    expect(await wait()).toBeGreaterThan(least - 5_000);
    expect(await wait()).toBeLessThanOrEqual(most);
  });

  it("is given up at once when its receiver is gone, or no longer declared", async () => {
    answers = [410];
    await taken();
    await ring();
    expect(await letters()).toMatchObject([{ tries: 1, last_status: 410 }]);
    await taken("another");
    // What the object remembers of the hook is as old by then as any record may be.
    vi.setSystemTime(Date.now() + 2 * EDGE.RECORD_MEMORY_S * 1000);
    await put(env.TENANTS, hookKey(hook), { tenant: "acme", agent: "helper", versions: [1] });
    await ring();
    expect(await letters()).toMatchObject([{ last_status: null }, { last_status: 410 }]);
    expect(sent).toHaveLength(1);
  });
});

describe("a dead letter", () => {
  const dead = async (): Promise<string> => {
    answers = [410];
    const id = await taken();
    await ring();
    return id;
  };

  it("is sent again when asked, under its old id, and asks no agent", async () => {
    const id = await dead();
    expect((await again(id)).status).toBe(202);
    expect((await again(id)).status).toBe(404);
    await ring();
    expect(chats).toBe(1);
    expect(header(HEADERS.HOOK_DELIVERY)).toEqual([id, id]);
    expect(await letters()).toEqual([]);
  });

  it("is nobody's but its tenant's", async () => {
    const id = await dead();
    expect((await refusal(await list(GLOBEX_KEY))).status).toBe(404);
    expect((await refusal(await again(id, GLOBEX_KEY))).status).toBe(404);
    expect((await refusal(await list("mg_acme_none"))).status).toBe(401);
    expect(await letters()).toHaveLength(1);
  });

  it("of an agent the key is not for is not there", async () => {
    await dead();
    await declare({ agent: "private" });
    ({ env } = await edge());
    expect((await refusal(await list())).status).toBe(404);
  });

  it("of a hook there is not is not there", async () => {
    for (const path of ["none", "Crm", "a%2Fb"]) {
      const response = await send(env, { path: `${PATHS.HOOKS}/${path}/dead-letters`, method: "GET" });
      expect((await refusal(response)).code).toBe("not_found");
    }
  });

  it("is listed to no credential that is not for hooks", async () => {
    await dead();
    const record = { tenant: "acme", key: "k1", agents: ["helper"], methods: ["chat"] };
    env = { ...env, KEYS: { get: async () => record } as unknown as KVNamespace };
    expect((await refusal(await list())).code).toBe("forbidden");
  });
});

describe("an object that ends in the middle", () => {
  it("has begun a chat for good: its end is an error, and no agent is asked again", async () => {
    agent = async () => await new Promise<Response>(() => undefined);
    const id = await taken();
    const cut = ring().catch(() => undefined);
    await vi.waitFor(() => expect(chats).toBe(1));
    await abortAllDurableObjects();
    await cut;
    await ring();
    expect(chats).toBe(1);
    expect(bodies()).toMatchObject([{ id, hook, agent: "helper", status: 500, error: { code: "chat_cut" } }]);
  });

  it("sends an answer again that it had", async () => {
    answers = [500];
    const id = await taken();
    await ring();
    await abortAllDurableObjects();
    await next();
    expect(chats).toBe(1);
    expect(header(HEADERS.HOOK_DELIVERY)).toEqual([id, id]);
  });
});

it("a last try that was cut is none too few", async () => {
  answers = [500];
  await taken();
  await ring();
  await runInDurableObject(outbox(), (_, state) =>
    state.storage.sql.exec("UPDATE deliveries SET tries = ?", HOOKS.TRIES),
  );
  await next();
  expect(sent).toHaveLength(1);
  expect(await letters()).toHaveLength(1);
});

describe("what is at rest", () => {
  const stored = async (): Promise<string> =>
    await runInDurableObject(outbox(), (_, state) => {
      const rows = state.storage.sql.exec<Record<string, SqlStorageValue>>("SELECT * FROM deliveries").toArray();
      return rows
        .flatMap((row) => Object.values(row))
        .map((value) => (value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : String(value)))
        .join("\n");
    });

  it("shows neither question nor answer, nor does the log", async () => {
    const log = vi.spyOn(console, "log").mockReturnValue();
    answers = [410];
    const id = await taken();
    const asked = await stored();
    expect(asked).toContain(id);
    expect(asked).not.toContain("Lovelace");
    await ring();
    const answered = await stored();
    expect(answered).toContain("dead");
    expect(answered).not.toMatch(/Lovelace|Monday|chat\.completion/);
    expect(log.mock.calls.some(([line]) => String(line).includes('"hook_delivery"'))).toBe(true);
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/Lovelace|Monday/);
  });

  it("opens for its own delivery alone", async () => {
    answers = [410, 410];
    const [one, two] = [await taken("one"), await taken("two")];
    await ring();
    await runInDurableObject(outbox(), (_, state) =>
      state.storage.sql.exec(
        "UPDATE deliveries SET payload = (SELECT payload FROM deliveries WHERE id = ?) WHERE id = ?",
        one,
        two,
      ),
    );
    sent = [];
    await again(two);
    await ring();
    expect(sent).toEqual([]);
  });
});
