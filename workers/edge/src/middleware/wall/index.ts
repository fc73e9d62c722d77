import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { EDGE, ERRORS, RATES } from "../../generated/contract";
import { RefusedError } from "../../refused";
import { readTenant } from "../../tenant-records";

type Wall = (typeof RATES.WALLS)[number][0];

/**
 * Stops a tenant far beyond its limits as soon as it is known who asks, before any body is read. Each location counts for
 * itself: the lowest wall that is at least twice the limit, which nobody within it ever meets.
 */
export const wall = createMiddleware<Edge>(async (c, next) => {
  const { limits } = await readTenant(c.env[EDGE.BINDING_TENANTS], c.get("caller").tenant);
  const [name] = RATES.WALLS.find(([, height]) => height >= 2 * limits.per_minute) ?? RATES.WALLS[2];
  if (!(await isBelow(c, name))) {
    throw new RefusedError(ERRORS.RATE_LIMITED, { headers: { "retry-after": String(RATES.WALL_PERIOD_S) } });
  }
  await next();
});

/** A wall that cannot be asked stops nobody: the exact limiter stands behind it. */
async function isBelow(c: Context<Edge>, name: Wall): Promise<boolean> {
  const caller = c.get("caller");
  try {
    return (await c.env[name].limit({ key: caller.tenant })).success;
  } catch (error) {
    const line = { event: "wall_down", request_id: c.get("requestId"), tenant: caller.tenant, reason: String(error) };
    console.log(JSON.stringify(line));
    return true;
  }
}
