import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Caller, Edge } from "../../env";
import { EDGE, HEADERS } from "../../generated/contract";
import { isDeclaredOrigin, readTenant } from "../../tenant-records";
import { LIMIT_HEADERS } from "../limits";

/** What a browser may send. `authorization` is in no wildcard; the SDKs send headers of their own, which end here. */
const ALLOWED_HEADERS = "authorization, content-type, *";
/** What a page may read beyond what every page may. */
const EXPOSED_HEADERS = [HEADERS.REQUEST_ID, HEADERS.RECEIPT, "retry-after", "allow", "etag", ...LIMIT_HEADERS].join(
  ", ",
);
/** Longest origin looked up: a scheme, a name of 253 characters, a port. */
const LONGEST_ORIGIN = 267;
const ORIGIN = new RegExp(`^${EDGE.ORIGIN_PATTERN}$`);

/**
 * Lets pages of the caller's own tenant's origins read answers, and no others. A preflight carries no key: it is
 * answered for an origin that some tenant has declared, which lets the page ask, not read.
 *
 * An API key is no credential of the browser's (no cookie, no certificate), so credentials are never allowed.
 */
export const cors = createMiddleware<Edge>(async (c, next) => {
  const origin = c.req.header("origin");
  if (origin !== undefined && isPreflight(c) && (await isDeclared(c.env[EDGE.BINDING_TENANTS], origin))) {
    c.res = preflight(origin);
  } else {
    await next();
    if (origin !== undefined && (await isCallersOwn(c, origin))) {
      c.res.headers.set("access-control-allow-origin", origin);
      c.res.headers.set("access-control-expose-headers", EXPOSED_HEADERS);
    }
  }
  c.res.headers.append("vary", "origin");
});

function isPreflight(c: Context<Edge>): boolean {
  return c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
}

/** Whether the tenant whose key the request came with has declared the origin. */
async function isCallersOwn(c: Context<Edge>, origin: string): Promise<boolean> {
  // A request that was refused may have none.
  const caller = c.get("caller") as Caller | undefined;
  if (caller === undefined) {
    return false;
  }
  try {
    return (await readTenant(c.env[EDGE.BINDING_TENANTS], caller.tenant)).origins.includes(origin);
  } catch (error) {
    // The answer is there: it must not be lost to who needs no such header.
    c.set("reason", String(error));
    return false;
  }
}

async function isDeclared(tenants: KVNamespace, origin: string): Promise<boolean> {
  return origin.length <= LONGEST_ORIGIN && ORIGIN.test(origin) && (await isDeclaredOrigin(tenants, origin));
}

function preflight(origin: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": ALLOWED_HEADERS,
      "access-control-max-age": String(EDGE.PREFLIGHT_CACHE_S),
      // A request header: without it a cache would hand one origin's preflight to another's.
      vary: "access-control-request-method, access-control-request-headers",
    },
  });
}
