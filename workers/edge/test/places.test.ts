import { generateKeyPairSync } from "node:crypto";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EDGE, PATHS, RATES } from "../src/generated/contract";
import { ACME_KEY, options, RUNTIME, seed } from "./deployed";

/** The lowest limit of a tenant of two shards. */
const PARTED = RATES.SHARD_PER_MINUTE + 1;
/** The key's own, which is parted like its tenant's. */
const LIMIT = 200;
/** The clients of each place, in the same runtime: so many at once. The places ask different shards of two. */
const CLIENTS = `export default { async fetch(request, env) {
  const count = async ({ place, colo, times }) => {
    const counts = { 200: 0, 429: 0 };
    let left = times;
    const client = async () => {
      while (left-- > 0) {
        const response = await env[place].fetch("https://api.example.test${PATHS.CHAT_COMPLETIONS}", {
          method: "POST",
          headers: { authorization: "Bearer ${ACME_KEY}" },
          body: JSON.stringify({ model: "helper", messages: [] }),
          cf: { colo },
        });
        await response.arrayBuffer();
        counts[response.status] += 1;
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    return { through: counts[200], refused: counts[429] };
  };
  return Response.json(await Promise.all((await request.json()).map(count)));
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
  await seed(miniflare, ["http://region.test"], { per_minute: PARTED, burst: PARTED }, { per_minute: LIMIT }, "here");
});

afterAll(async () => {
  await miniflare.dispose();
});

it("lets two places that are asked unevenly have the limit together, to one in a hundred", async () => {
  const asked = [
    { place: "here", colo: "SIN", times: 190 },
    { place: "there", colo: "FRA", times: 90 },
  ];
  const began = Date.now();
  const answer = await miniflare.dispatchFetch("http://clients.test", { method: "POST", body: JSON.stringify(asked) });
  const counts = (await answer.json()) as { through: number; refused: number }[];
  // A window more would let more through.
  expect(Date.now() - began).toBeLessThan(60_000);
  expect(counts.map(({ through, refused }) => through + refused)).toEqual([190, 90]);
  const through = counts.reduce((sum, one) => sum + one.through, 0);
  expect(Math.abs(through - LIMIT)).toBeLessThanOrEqual(LIMIT / 100);
}, 120_000);
