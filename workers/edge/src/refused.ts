import type { ERRORS } from "./generated/contract";

export type ErrorKind = (typeof ERRORS)[keyof typeof ERRORS];

interface Details {
  /** Replaces the kind's own message. */
  readonly message?: string;
  /** The field of the request that is at fault. */
  readonly param?: string;
  readonly headers?: Record<string, string>;
  /** What failed, for the log alone. */
  readonly cause?: unknown;
}

/** A request that ends with an error of the contract. */
export class RefusedError extends Error {
  readonly kind: ErrorKind;
  readonly details: Details;

  constructor(kind: ErrorKind, details: Details = {}) {
    super(kind.code, { cause: details.cause });
    this.kind = kind;
    this.details = details;
  }

  /** What the client reads, in the shape OpenAI's SDKs turn into the exception their users expect. */
  body(): object {
    const { type, code } = this.kind;
    const message = this.details.message ?? this.kind.message;
    return { error: { message, type, param: this.details.param ?? null, code } };
  }

  response(): Response {
    const challenge = this.kind.status === 401 ? { "www-authenticate": "Bearer" } : {};
    return Response.json(this.body(), { status: this.kind.status, headers: { ...challenge, ...this.details.headers } });
  }
}
