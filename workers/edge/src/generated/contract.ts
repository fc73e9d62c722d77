// Written by `moltghost gen` from runtime/contract. Edit that, then run `make gen`.

export const EDGE = {
  ALL_AGENTS: "*",
  API_KEY_ALPHABET: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
  API_KEY_CHECK: 6,
  API_KEY_PATTERN: "mg_(?<tenant>[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)_[A-Za-z0-9]{38}",
  API_KEY_RANDOM: 32,
  BINDING_CLIENT_CERTIFICATES: "CLIENT_CERTIFICATES",
  BINDING_KEYS: "KEYS",
  BINDING_ROUTES: "ROUTES",
  BINDING_TENANTS: "TENANTS",
  CLOSED: "closed",
  COMPATIBILITY_DATE: "2026-07-01",
  COMPATIBILITY_FLAGS: ["enable_request_signal"],
  HEALTH_CACHE_S: 5,
  JWT_ALGORITHMS: ["RS256", "ES256", "EdDSA"],
  JWT_LEEWAY_S: 60,
  KV_CACHE_S: 30,
  MODELS_CACHE_S: 30,
  NAME_PATTERN: "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
  OPEN: "open",
  OPERATIONS: ["chat", "responses", "models", "health", "hooks"],
  ORIGIN_PATTERN: "https?://[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?",
  PREFLIGHT_CACHE_S: 600,
  RECORD_MEMORY_S: 30,
  REGION_DOWN_S: 10,
  REVOKED_WITHIN_S: 60,
  SECRET_PEPPER: "KEY_PEPPER",
  SECRET_SIGNING_KEY: "EDGE_SIGNING_KEY",
} as const;

export const HEADERS = {
  EDGE_TOKEN: "x-moltghost-edge-token",
  HOOK_DELIVERY: "x-moltghost-delivery",
  HOOK_SIGNATURE: "x-moltghost-signature",
  NOT_PASSED_ON: "x-moltghost-not-passed-on",
  RECEIPT: "x-moltghost-receipt",
  REQUEST_ID: "x-request-id",
  USAGE: "x-moltghost-usage",
} as const;

export const HOOKS = {
  BINDING_LEDGER: "HOOK_LEDGER",
  BINDING_OUTBOX: "HOOK_OUTBOX",
  CHAT_S: 600,
  DEAD_LETTER_S: 604800,
  DELIVERY_S: 10,
  LEDGER_CLASS: "HookLedger",
  OUTBOX_CLASS: "HookOutbox",
  OUTBOX_MOST: 1000,
  RETRY_FACTOR: 4,
  RETRY_MOST_S: 7200,
  RETRY_S: 10,
  SECRET_PREFIX: "whsec_",
  SIGNATURE_SCHEME: "v1",
  TOLERANCE_S: 300,
  TRIES: 8,
} as const;

export const LIMITS = {
  BODY_BYTES: 1048576,
  CONNECT_S: 5,
  DRAIN_S: 3,
  FIRST_BYTE_S: 120,
  GRACE_S: 45,
  IDLE_S: 120,
  REQUEST_S: 3600,
  TERMINATION_GRACE_S: 60,
  USER_CHARS: 256,
} as const;

export const PATHS = {
  AGENTS: "/v1/agents",
  CHAT: "/v1/chat",
  CHAT_COMPLETIONS: "/v1/chat/completions",
  HEALTH: "/v1/health",
  HOOKS: "/v1/hooks",
  LIVE: "/healthz",
  METRICS: "/metrics",
  MODELS: "/v1/models",
  READY: "/readyz",
  RESPONSES: "/v1/responses",
} as const;

export const RATES = {
  BINDING_LIMITER: "LIMITER",
  BURST: 100,
  LEASE_S: 300,
  LIMITER_CLASS: "Limiter",
  LIMITER_MS: 1000,
  MAX_PER_MINUTE: 10000,
  MIN_PER_MINUTE: 100,
  PER_MINUTE: 600,
  RENEW_S: 30,
  SHARDS: 4,
  SHARD_PER_MINUTE: 2500,
  STREAMS: 50,
  WALLS: [
    ["WALL_500", 500],
    ["WALL_2500", 2500],
    ["WALL_20000", 20000],
  ],
  WALL_PERIOD_S: 60,
} as const;

export const TOKEN = {
  ALGORITHM: "EdDSA",
  CLAIM_KEY: "key",
  CLAIM_REQUEST: "rid",
  CLAIM_TENANT: "tid",
  ISSUER: "moltghost-edge",
  LEEWAY_S: 5,
  LIFETIME_S: 60,
} as const;

export const ERRORS = {
  AGENT_NOT_FOUND: {
    status: 404,
    type: "invalid_request_error",
    code: "model_not_found",
    message: "There is no such agent for this key.",
  },
  CHAT_CUT: {
    status: 500,
    type: "server_error",
    code: "chat_cut",
    message: "The chat was cut short on our side, and was not begun again.",
  },
  FORBIDDEN: {
    status: 403,
    type: "invalid_request_error",
    code: "forbidden",
    message: "These credentials are not for this.",
  },
  INTERNAL: {
    status: 500,
    type: "server_error",
    code: "internal_error",
    message: "The request failed on our side.",
  },
  INVALID_KEY: {
    status: 401,
    type: "invalid_request_error",
    code: "invalid_api_key",
    message: "The API key is missing or not valid.",
  },
  INVALID_REQUEST: {
    status: 400,
    type: "invalid_request_error",
    code: "invalid_request",
    message: "The request is not valid.",
  },
  INVALID_SIGNATURE: {
    status: 401,
    type: "invalid_request_error",
    code: "invalid_signature",
    message: "There is no such hook, or the delivery's signature is not valid.",
  },
  INVALID_TOKEN: {
    status: 401,
    type: "invalid_request_error",
    code: "invalid_edge_token",
    message: "The edge token is missing or not valid.",
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    type: "server_error",
    code: "signing_keys_unavailable",
    message: "The token cannot be checked now. Ask again.",
  },
  LIMITER_DOWN: {
    status: 503,
    type: "server_error",
    code: "quota_unknown",
    message: "What is left of the quota is not known now. Ask again.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    type: "invalid_request_error",
    code: "method_not_allowed",
    message: "This method is not supported here.",
  },
  NOT_FOUND: {
    status: 404,
    type: "invalid_request_error",
    code: "not_found",
    message: "There is nothing at this path.",
  },
  NOT_READY: {
    status: 503,
    type: "server_error",
    code: "agent_not_ready",
    message: "The agent is not ready yet.",
  },
  OUTBOX_FULL: {
    status: 429,
    type: "requests",
    code: "deliveries_waiting",
    message: "Too many answers of this hook wait for their receiver.",
  },
  QUOTA_EXCEEDED: {
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message: "This month's quota is used up.",
  },
  RATE_LIMITED: {
    status: 429,
    type: "requests",
    code: "rate_limit_exceeded",
    message: "Too many requests. Ask again later.",
  },
  REPLAYED: {
    status: 409,
    type: "invalid_request_error",
    code: "delivery_replayed",
    message: "This delivery has been taken already.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    type: "invalid_request_error",
    code: "request_timeout",
    message: "The request body did not arrive in time.",
  },
  STOPPING: {
    status: 503,
    type: "server_error",
    code: "agent_stopping",
    message: "The agent is being stopped. Ask again.",
  },
  TOO_LARGE: {
    status: 413,
    type: "invalid_request_error",
    code: "request_too_large",
    message: "The request body is too large.",
  },
  UPSTREAM_FAILED: {
    status: 502,
    type: "server_error",
    code: "upstream_failed",
    message: "The agent could not be reached.",
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    type: "server_error",
    code: "upstream_timeout",
    message: "The agent did not answer in time.",
  },
} as const;

export const audience = (tenant: string, agent: string): string => `${tenant}/${agent}`;

export const hookKey = (hook: string): string => `hook:${hook}`;

export const hookLabel = (tenant: string, hook: string, version: string): string => `hook:${tenant}/${hook}:${version}`;

export const outboxLabel = (tenant: string, hook: string): string => `outbox:${tenant}/${hook}`;

export const originKey = (origin: string, tenant: string): string => `origin:${origin}/${tenant}`;

export const originPrefix = (origin: string): string => `origin:${origin}/`;

export const regionKey = (region: string): string => `region:${region}`;

export const certificateKey = (authority: string, name: string): string => `certificate:${authority}/${name}`;

export const issuerKey = (issuer: string): string => `issuer:${issuer}`;

export const routeKey = (tenant: string, agent: string): string => `${tenant}/${agent}`;

export const shardName = (tenant: string, shard: string): string => `${tenant}/${shard}`;
