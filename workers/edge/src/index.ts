import { type Context, Hono } from "hono";
import { RegExpRouter } from "hono/router/reg-exp-router";
import type { Edge, Env } from "./env";
import { ERRORS, PATHS } from "./generated/contract";
import { accessLog } from "./middleware/access-log";
import { answer } from "./middleware/answer";
import { cors } from "./middleware/cors";
import { RefusedError } from "./refused";
import { askAgent, deliverHook } from "./routes/agent";
import { deadLetters, sendAgain } from "./routes/dead-letters";
import { health } from "./routes/health";
import { models } from "./routes/models";

// Its own choice may be a router that walks a tree for each request; this one refuses paths that it would take that for.
const app = new Hono<Edge>({ router: new RegExpRouter() });

app.use(answer, accessLog, cors);
const chat = askAgent(PATHS.CHAT_COMPLETIONS);
app.post(PATHS.CHAT, ...chat).all(allow("POST"));
// OpenAI's own path, CHAT_COMPLETIONS, is one of these.
app.post(`${PATHS.CHAT}/:agent`, ...chat).all(allow("POST"));
app.post(PATHS.RESPONSES, ...askAgent(PATHS.RESPONSES)).all(allow("POST"));
app.get(PATHS.MODELS, ...models).all(allow("GET, HEAD"));
app.post(`${PATHS.HOOKS}/:hook`, ...deliverHook).all(allow("POST"));
app.get(`${PATHS.HOOKS}/:hook/dead-letters`, ...deadLetters).all(allow("GET, HEAD"));
app.post(`${PATHS.HOOKS}/:hook/dead-letters/:delivery`, ...sendAgain).all(allow("POST"));
app.get(`${PATHS.AGENTS}/:agent/health`, ...health).all(allow("GET, HEAD"));
app.notFound((c) => refuse(c, new RefusedError(ERRORS.NOT_FOUND)));
app.onError((error, c) =>
  refuse(c, error instanceof RefusedError ? error : new RefusedError(ERRORS.INTERNAL, { cause: error })),
);

/** Refuses every method of a path that came this far. */
function allow(methods: string) {
  return (c: Context<Edge>): Response =>
    refuse(c, new RefusedError(ERRORS.METHOD_NOT_ALLOWED, { headers: { allow: methods } }));
}

function refuse(c: Context<Edge>, error: RefusedError): Response {
  c.set("outcome", error.kind.code);
  if (error.cause instanceof Error) {
    c.set("reason", error.cause.message);
  }
  return error.response();
}

export { HookLedger } from "./hooks/ledger";
export { HookOutbox } from "./hooks/outbox";
export { Limiter } from "./limiter/object";
export default { fetch: app.fetch } satisfies ExportedHandler<Env>;
