import { generateKeyPairSync } from "node:crypto";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EDGE, PATHS, RATES } from "../src/generated/contract";
import { ACME_KEY, GLOBEX_KEY, options, RUNTIME, seed } from "./deployed";

/** Two places of which each asks another of a tenant's shards. */
const PLACES = { here: "SIN", there: "FRA" } as const;
type Place = keyof typeof PLACES;
/** The least that is parted in two. */
const LIMIT = RATES.SHARD_PER_MINUTE + 1;
/** The clients, in the same runtime: so many at once, of which each counts its answers. */
const CLIENTS = `export default { async fetch(request, env) {
  const { place, colo, key, model, times } = await request.json();
  const counts = { 200: 0, 429: 0 };
  let left = times;
  const client = async () => {
    while (left-- > 0) {
      const response = await env[place].fetch("https://api.example.test${PATHS.CHAT_COMPLETIONS}", {
        method: "POST",
        headers: { authorization: "Bearer " + key },
        body: JSON.stringify({ model, messages: [] }),
        cf: { colo },
      });
      await response.arrayBuffer();
      counts[response.status] += 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
  return Response.json({ through: counts[200], refused: counts[429] });
} }`;
const REGION = `export default { fetch: () => Response.json({ object: "chat.completion" }) }`;

let miniflare: Miniflare;

/** The bundle as two Workers, as two places run it, over the same objects. */
beforeAll(async () => {
  const edge = await options(generateKeyPairSync("ed25519").privateKey);
  const objects = { className: RATES.LIMITER_CLASS, useSQLite: true };
  miniflare = new Miniflare({
    ...RUNTIME,
    workers: [
      {
        name: "clients",
        modules: true,
        script: CLIENTS,
        compatibilityDate: EDGE.COMPATIBILITY_DATE,
        serviceBindings: { here: "here", there: "there" },
      },
      { ...edge, name: "here", outboundService: "region" },
      {
        ...edge,
        name: "there",
        outboundService: "region",
        durableObjects: { [RATES.BINDING_LIMITER]: { ...objects, scriptName: "here" } },
      },
      { name: "region", modules: true, script: REGION, compatibilityDate: EDGE.COMPATIBILITY_DATE },
    ],
  });
  await seed(miniflare, "http://region.test", { per_minute: LIMIT, burst: LIMIT }, "here");
});

afterAll(async () => {
  await miniflare.dispose();
});

/** How many of so many requests a place lets through. */
async function count(place: Place, key: string, model: string, times: number): Promise<number> {
  const body = JSON.stringify({ place, colo: PLACES[place], key, model, times });
  const response = await miniflare.dispatchFetch("http://clients.test", { method: "POST", body });
  const { through, refused } = (await response.json()) as { through: number; refused: number };
  expect(through + refused).toBe(times);
  return through;
}

it.each([
  { name: "evenly", key: ACME_KEY, model: "helper", here: 1400, there: 1400 },
  { name: "from one place mostly", key: GLOBEX_KEY, model: "analyst", here: 2700, there: 100 },
])(
  "two places asked $name let the limit through, to one in a hundred",
  async ({ key, model, here, there }) => {
    const began = Date.now();
    const counts = await Promise.all([count("here", key, model, here), count("there", key, model, there)]);
    expect(Date.now() - began).toBeLessThan(60_000);
    expect(Math.abs(counts[0] + counts[1] - LIMIT)).toBeLessThanOrEqual(LIMIT / 100);
  },
  120_000,
);
