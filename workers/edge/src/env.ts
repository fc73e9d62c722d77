import type { IPv4, IPv6 } from "ipaddr.js";
import type { EDGE, HOOKS, RATES } from "./generated/contract";
import type { HookLedger } from "./hooks/ledger";
import type { HookOutbox } from "./hooks/outbox";
import type { Limiter } from "./limiter/object";
import type { KeyLimits } from "./limiter/rules";
import type { Region } from "./regions";

/** The coarse walls, by their names. */
type Walls = Readonly<Record<(typeof RATES.WALLS)[number][0], RateLimit>>;

/** What the program binds to the Worker. */
export interface Env extends Walls {
  readonly [EDGE.BINDING_KEYS]: KVNamespace;
  readonly [EDGE.BINDING_ROUTES]: KVNamespace;
  readonly [EDGE.BINDING_TENANTS]: KVNamespace;
  readonly [HOOKS.BINDING_LEDGER]: DurableObjectNamespace<HookLedger>;
  readonly [HOOKS.BINDING_OUTBOX]: DurableObjectNamespace<HookOutbox>;
  readonly [RATES.BINDING_LIMITER]: DurableObjectNamespace<Limiter>;
  readonly [EDGE.BINDING_CLIENT_CERTIFICATES]?: string;
  readonly [EDGE.SECRET_PEPPER]: string;
  readonly [EDGE.SECRET_SIGNING_KEY]: string;
}

/** What a caller can ask the edge for. */
export type Operation = (typeof EDGE.OPERATIONS)[number];

/** A range of addresses: the first of them, and how many leading bits they share. */
export type Range = readonly [IPv4 | IPv6, number];

/**
 * Who asks: the tenant whose API key, token or certificate a request came with, what that is called, and which of the
 * tenant's agents it may reach; where it names models or operations, no others.
 */
export interface Caller {
  readonly tenant: string;
  readonly key: string;
  readonly agents: readonly string[];
  readonly models?: readonly string[];
  readonly methods?: readonly Operation[];
  /** The key's own limits, where it has some. */
  readonly limits?: KeyLimits;
}

/** The agent a request asks for, and the body that goes on to it. */
export interface AgentRequest {
  /** Only where the client wrote it; an agent named alone is one of the caller's own tenant. */
  readonly tenant?: string;
  readonly agent: string;
  readonly body: Uint8Array;
  readonly streamed: boolean;
}

/** Where the agent lives: the regions to ask, one at least, the best first. */
export interface AgentRoute {
  readonly agent: string;
  readonly model?: string;
  readonly regions: readonly Region[];
}

/** What one step of a request leaves for the next. */
export interface Variables {
  requestId: string;
  /** `ok`, or the code of the error it ended with. */
  outcome: string;
  /** What failed behind an error of ours, for the log alone. */
  reason?: string;
  caller: Caller;
  asked: AgentRequest;
  /** Of a webhook's delivery: its hook, what tells it from others, and when it was signed (Unix seconds). */
  delivery?: { readonly hook: string; readonly digest: string; readonly timestamp: number };
  /** What a hook's agent is asked whose answer is delivered later. */
  later?: { readonly hook: string; readonly text: Uint8Array };
  route: AgentRoute;
  /** The region asked last. */
  region?: string;
}

/** Hono's environment of this Worker. */
export interface Edge {
  Bindings: Env;
  Variables: Variables;
}
