// Writes into a file what a compiled skill declares of itself, with a stand-in for OpenClaw's part of it.
// node declared.mjs COMPILED INTO
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const SDK = "openclaw/plugin-sdk/tool-plugin";
const STAND_IN = "data:text/javascript,export const defineToolPlugin = (definition) => definition;";

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === SDK ? { url: STAND_IN, format: "module", shortCircuit: true } : next(specifier, context),
});

const [compiled, into] = process.argv.slice(2);
const { default: plugin } = await import(pathToFileURL(compiled).href);
const { id, name, description, configSchema, tools } = plugin;
const names = tools((definition) => definition).map((tool) => tool.name);
writeFileSync(into, JSON.stringify({ id, name, description, configSchema, tools: names }));
