import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { ERRORS, HOOKS } from "../../generated/contract";
import { RefusedError } from "../../refused";

/** Seconds after which a receiver that was away may have been sent some of what waits for it. */
const RETRY_S = 60;

/**
 * Answers a delivery whose hook has a receiver with its id, and leaves its chat and that one's answer to the outbox. One that
 * the outbox has no room for was not taken.
 */
export const deliverLater = createMiddleware<Edge>(async (c, next) => {
  const { caller, delivery, later, requestId, route } = c.var;
  if (later === undefined) {
    await next();
    return;
  }
  const { hook, text } = later;
  const outbox = c.env[HOOKS.BINDING_OUTBOX].getByName(`${caller.tenant}/${hook}`);
  if (!(await outbox.take({ id: requestId, tenant: caller.tenant, hook, agent: route.agent }, text))) {
    if (delivery !== undefined) {
      await c.env[HOOKS.BINDING_LEDGER].getByName(delivery.hook).release(delivery.digest);
    }
    throw new RefusedError(ERRORS.OUTBOX_FULL, { headers: { "retry-after": String(RETRY_S) } });
  }
  c.res = c.json({ id: requestId, object: "hook.delivery", hook, agent: route.agent }, 202);
});
