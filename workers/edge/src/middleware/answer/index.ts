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
  // Not by `c.header`: it makes a new answer for each header of one that is there.
  const { headers } = c.res;
  headers.set(HEADERS.REQUEST_ID, c.get("requestId"));
  if (!headers.has("cache-control")) {
    headers.set("cache-control", "no-store");
  }
  headers.set("x-content-type-options", "nosniff");
});
