import { createMiddleware } from "hono/factory";

/** In place of the limits: what a request costs without them. */
export const limits = createMiddleware(async (_, next) => {
  await next();
});
