// Bundles the Worker into the one ES module that is deployed.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Where the deployed module lies. */
export const BUNDLE = fileURLToPath(new URL("dist/index.js", import.meta.url));

/**
 * How sources become one module of the Workers' runtime.
 * @type {import("esbuild").BuildOptions}
 */
export const MODULE = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2024",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:workers"],
};

/** Writes the bundle. A Node built-in in it would fail the build: the edge has none. */
export async function bundle() {
  await build({
    ...MODULE,
    entryPoints: [fileURLToPath(new URL("src/index.ts", import.meta.url))],
    outfile: BUNDLE,
    legalComments: "none",
    logLevel: "warning",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle();
}
