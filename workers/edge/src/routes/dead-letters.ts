import type { Context } from "hono";
import { createFactory } from "hono/factory";
import type { Edge } from "../env";
import { EDGE, ERRORS, HOOKS } from "../generated/contract";
import type { HookOutbox } from "../hooks/outbox";
import { authenticate } from "../middleware/authenticate";
import { limits } from "../middleware/limits";
import { wall } from "../middleware/wall";
import { isName } from "../names";
import { RefusedError } from "../refused";
import { readRoute } from "../routing-table";
import { mayReach, mayRun } from "../scopes";
import { readHook } from "../tenant-records";

const factory = createFactory<Edge>();

/** What of a hook's answers could not be delivered: when, how often it was tried, what was last said; no content. */
export const deadLetters = factory.createHandlers(authenticate("hooks"), wall, limits, async (c) => {
  const data = await (await outboxOf(c)).deadLetters();
  return c.json({ object: "list", data: data.map((each) => ({ object: "hook.dead_letter", ...each })) });
});

/** Sends one of them again. */
export const sendAgain = factory.createHandlers(authenticate("hooks"), wall, limits, async (c) => {
  const id = c.req.param("delivery") ?? "";
  if (!(await (await outboxOf(c)).sendAgain(id))) {
    throw new RefusedError(ERRORS.NOT_FOUND);
  }
  return c.json({ id, object: "hook.delivery" }, 202);
});

/** The outbox of the hook that the path names. Raises RefusedError for one whose agent the caller may not reach. */
async function outboxOf(c: Context<Edge>): Promise<DurableObjectStub<HookOutbox>> {
  const { caller } = c.var;
  const id = c.req.param("hook") ?? "";
  const hook = isName(id) ? await readHook(c.env[EDGE.BINDING_TENANTS], id) : null;
  if (hook === null || !mayReach(caller, hook)) {
    throw new RefusedError(ERRORS.NOT_FOUND);
  }
  const route = await readRoute(c.env[EDGE.BINDING_ROUTES], caller.tenant, hook.agent);
  if (!mayRun(caller, route?.model)) {
    throw new RefusedError(ERRORS.NOT_FOUND);
  }
  return c.env[HOOKS.BINDING_OUTBOX].getByName(`${hook.tenant}/${id}`);
}
