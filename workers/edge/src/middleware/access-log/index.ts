import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";

/** Writes one line a request: who asked for what and how it ended, never a word of what was said. */
export const accessLog = createMiddleware<Edge>(async (c, next) => {
  const started = Date.now();
  c.set("outcome", "ok");
  await next();
  const line = {
    event: "request",
    request_id: c.var.requestId,
    method: c.req.method,
    status: c.res.status,
    outcome: c.req.raw.signal.aborted ? "client_gone" : c.var.outcome,
    tenant: c.var.caller?.tenant,
    key: c.var.caller?.key,
    agent: c.var.route?.agent,
    region: c.var.region,
    first_byte_ms: Date.now() - started,
    reason: c.var.reason,
  };
  console.log(JSON.stringify(line));
});
