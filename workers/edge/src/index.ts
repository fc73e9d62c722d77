import { type Context, Hono } from "hono";
import type { Edge, Env } from "./env";
import { ERRORS, PATHS } from "./generated/contract";
import { accessLog } from "./middleware/access-log";
import { answer } from "./middleware/answer";
import { RefusedError } from "./refused";
import { chat } from "./routes/chat";

const app = new Hono<Edge>();

app.use(answer, accessLog);
// In this order: `completions` is OpenAI's word there, never an agent's name.
for (const path of [PATHS.CHAT_COMPLETIONS, PATHS.CHAT, `${PATHS.CHAT}/:agent`]) {
  app.post(path, ...chat);
  app.all(path, (c) => refuse(c, new RefusedError(ERRORS.METHOD_NOT_ALLOWED, { headers: { allow: "POST" } })));
}
app.notFound((c) => refuse(c, new RefusedError(ERRORS.NOT_FOUND)));
app.onError((error, c) =>
  refuse(c, error instanceof RefusedError ? error : new RefusedError(ERRORS.INTERNAL, { cause: error })),
);

function refuse(c: Context<Edge>, error: RefusedError): Response {
  c.set("outcome", error.kind.code);
  if (error.cause instanceof Error) {
    c.set("reason", error.cause.message);
  }
  return error.response();
}

export default { fetch: app.fetch } satisfies ExportedHandler<Env>;
