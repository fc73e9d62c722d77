import { createMiddleware } from "hono/factory";
import type { AgentRoute, Caller, Edge } from "../../env";

/** Writes one line a request: who asked for what and how it ended, never a word of what was said. */
export const accessLog = createMiddleware<Edge>(async (c, next) => {
  const started = Date.now();
  c.set("outcome", "ok");
  await next();
  // A request that was refused has not got them all.
  const caller = c.get("caller") as Caller | undefined;
  const route = c.get("route") as AgentRoute | undefined;
  const line = {
    event: "request",
    request_id: c.get("requestId"),
    method: c.req.method,
    status: c.res.status,
    outcome: c.req.raw.signal.aborted ? "client_gone" : c.get("outcome"),
    tenant: caller?.tenant,
    key: caller?.key,
    agent: route?.agent,
    region: c.get("region"),
    first_byte_ms: Date.now() - started,
    reason: c.get("reason"),
  };
  console.log(JSON.stringify(line));
});
