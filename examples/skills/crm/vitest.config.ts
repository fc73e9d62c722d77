import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
    environment: "node",
    // OpenClaw brings this itself where the skill runs.
    alias: { "openclaw/plugin-sdk/tool-plugin": fileURLToPath(new URL("test/tool-plugin.ts", import.meta.url)) },
  },
});
