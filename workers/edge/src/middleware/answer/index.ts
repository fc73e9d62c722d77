import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { HEADERS } from "../../generated/contract";

/**
 * Gives every request an id of our own making, and every answer that id and, unless its route says otherwise, no place in
 * a cache.
 */
export const answer = createMiddleware<Edge>(async (c, next) => {
  c.set("requestId", crypto.randomUUID());
  await next();
  c.header(HEADERS.REQUEST_ID, c.var.requestId);
  if (!c.res.headers.has("cache-control")) {
    c.header("cache-control", "no-store");
  }
  c.header("x-content-type-options", "nosniff");
});
