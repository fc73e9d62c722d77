import { generateKeyPairSync } from "node:crypto";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { EDGE, HOOKS, RATES } from "./src/generated/contract.ts";
import { secrets } from "./test/deployed.ts";

// The runtime would fetch a description of its edge location, and report its use: tests reach loopback alone.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";
process.env.WRANGLER_SEND_ERROR_REPORTS = "false";

const worker = cloudflareTest({
  main: "./src/index.ts",
  miniflare: {
    cf: false,
    telemetry: { enabled: false },
    compatibilityDate: EDGE.COMPATIBILITY_DATE,
    compatibilityFlags: [...EDGE.COMPATIBILITY_FLAGS],
    kvNamespaces: [EDGE.BINDING_KEYS, EDGE.BINDING_ROUTES, EDGE.BINDING_TENANTS],
    durableObjects: {
      [HOOKS.BINDING_LEDGER]: { className: HOOKS.LEDGER_CLASS, useSQLite: true },
      [HOOKS.BINDING_OUTBOX]: { className: HOOKS.OUTBOX_CLASS, useSQLite: true },
      [RATES.BINDING_LIMITER]: { className: RATES.LIMITER_CLASS, useSQLite: true },
    },
    // A Durable Object has no others than these; a request's are the test's own.
    bindings: secrets(generateKeyPairSync("ed25519").privateKey),
    ratelimits: Object.fromEntries(
      RATES.WALLS.map(([name, limit]) => [
        name,
        { namespace_id: name, simple: { limit, period: RATES.WALL_PERIOD_S } },
      ]),
    ),
  },
});

export default defineConfig({
  test: {
    silent: "passed-only",
    projects: [
      // Beside each source, inside the Worker's own runtime.
      { plugins: [worker], test: { name: "worker", include: ["src/**/*.test.ts"], isolate: false } },
      // The bundle as it is deployed, from outside: real connections to it and from it.
      {
        test: {
          name: "bundle",
          include: ["test/**/*.test.ts"],
          environment: "node",
          globalSetup: ["test/bundled.ts"],
        },
      },
    ],
  },
});
