import { createMiddleware } from "hono/factory";
import type { Empty } from "./counted";

interface Bindings {
  readonly EMPTY: DurableObjectNamespace<Empty>;
}

/** In place of the limits: a Durable Object is asked as they are, and does nothing. What a request costs at the least with one. */
export const limits = createMiddleware<{ Bindings: Bindings }>(async (c, next) => {
  const admission = await c.env.EMPTY.getByName("one").admit();
  await next();
  c.executionCtx.waitUntil(admission.settle().finally(() => admission[Symbol.dispose]()));
});
