import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { ERRORS, HOOKS } from "../../generated/contract";
import { RefusedError } from "../../refused";

/**
 * Refuses a delivery that was taken before, and fails where nobody can tell. It comes last before the chat begins: what was
 * refused for its limits, for an agent that is not there, or for a full outbox (`deliverLater` gives it back), was not taken, and may be sent again as it is. What fails after
 * it is for its sender to sign and send anew.
 */
export const firstTime = createMiddleware<Edge>(async (c, next) => {
  const { delivery } = c.var;
  if (delivery !== undefined) {
    const until = (delivery.timestamp + HOOKS.TOLERANCE_S + 1) * 1000;
    if (!(await c.env[HOOKS.BINDING_LEDGER].getByName(delivery.hook).take(delivery.digest, until))) {
      throw new RefusedError(ERRORS.REPLAYED);
    }
  }
  await next();
});
