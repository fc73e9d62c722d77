import { isObject, parseObject, readAtMost } from "./body";
import { ERRORS, HEADERS, LIMITS } from "./generated/contract";
import { HeldBody } from "./held-body";
import { RefusedError } from "./refused";
import { type Broke, broken, isEventStream, unbroken, watched } from "./stream";

/** The answer's headers that go on; all others end here. */
const PASSED_BACK = ["content-type", "retry-after", HEADERS.RECEIPT, HEADERS.USAGE];
/** Largest error answer read, in bytes; a longer one is not ours. */
const ERROR_BYTES = 65_536;
/** Largest answer read whole before it goes on, in bytes: most that are no streams are far shorter. */
const SHORT_BYTES = 65_536;
/** What a tunnel or a proxy on the way answers when the origin was too slow. */
const TIMEOUTS = new Set<number>([ERRORS.UPSTREAM_TIMEOUT.status, 522, 524]);
/**
 * What Cloudflare answers in an origin's place when it could not send it a request: refused, unreachable, no TLS, no
 * tunnel. Not 520, 522 and 524, which may follow one that was sent (Cloudflare's documentation of 5xx errors).
 */
const UNREACHED = new Set([521, 523, 525, 526, 530]);
/** Refusals of the edge itself: the client's own key is good, and must not look bad. */
const EDGE_REFUSED = new Set([401, 403]);

/** What a region is asked: `path` at the gateway, our own headers, and the client's body. */
export interface Question {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A region's answer for the client. `passedOn` is false where the region says that no agent has had the request. */
export interface Answer {
  readonly response: Response;
  readonly passedOn: boolean;
}

/** A region that could not be reached, or was lost before it answered; `unreached`: nothing can have run there. */
export class RegionError extends RefusedError {
  readonly unreached: boolean;

  constructor(unreached: boolean, cause: unknown) {
    super(ERRORS.UPSTREAM_FAILED, { cause });
    this.unreached = unreached;
  }
}

/** Who else has to do with a request to a region. */
export interface Others {
  /** Cancels both the request and its answer. */
  readonly client: AbortSignal;
  /** Hears of an answer that broke off. */
  readonly broke: Broke;
}

/**
 * Asks the gateway of one region, and returns its answer, the body still streaming. Unless `hold`, all of the request's body is
 * handed over at once: then nobody knows whether there is a connection. Raises RefusedError as long as nothing was answered,
 * RegionError among them.
 */
export async function ask(
  origin: string,
  question: Question,
  hold: boolean,
  { client, broke }: Others,
): Promise<Answer> {
  const body: Body = hold ? new HeldBody(question.body) : { content: question.body, held: false };
  const deadline = new Deadline(body, client);
  try {
    const { path, headers } = question;
    const how = { method: "POST", headers, body: body.content, signal: deadline.signal, redirect: "manual" } as const;
    // Not of a request made before: the runtime would make another of it.
    const answer = await fetch(`${origin}${path}`, how);
    return answer.ok ? { response: await relayBody(answer, broke), passedOn: true } : await relayError(answer);
  } catch (error) {
    if (error instanceof RefusedError) {
      throw error;
    }
    if (deadline.expired && !body.held) {
      throw new RefusedError(ERRORS.UPSTREAM_TIMEOUT, { cause: error });
    }
    throw new RegionError(body.held, error);
  } finally {
    deadline.clear();
  }
}

/** What a request carries, and whether some of it has not been handed over. */
type Body = Pick<HeldBody, "held"> & { readonly content: BodyInit };

/**
 * Gives a request up that has no connection after CONNECT_S, where that can be told, or no answer after FIRST_BYTE_S; and,
 * however long its answer takes, when the client goes. One timer and one listener: each costs every request its processor
 * time.
 */
class Deadline {
  readonly #controller = new AbortController();
  readonly #body: Body;
  #timer: ReturnType<typeof setTimeout>;
  #expired = false;

  constructor(body: Body, client: AbortSignal) {
    this.#body = body;
    this.#timer = setTimeout(() => this.#connected(), LIMITS.CONNECT_S * 1000);
    const gone = (): void => this.#controller.abort(client.reason);
    if (client.aborted) {
      gone();
    }
    client.addEventListener("abort", gone, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether time ran out, and not the client away. */
  get expired(): boolean {
    return this.#expired;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #connected(): void {
    if (this.#body.held) {
      this.#giveUp();
    } else {
      this.#timer = setTimeout(() => this.#giveUp(), (LIMITS.FIRST_BYTE_S - LIMITS.CONNECT_S) * 1000);
    }
  }

  #giveUp(): void {
    this.#expired = true;
    this.#controller.abort();
  }
}

function relay(answer: Response, body: BodyInit | null): Response {
  const headers: Record<string, string> = {};
  for (const name of PASSED_BACK) {
    const value = answer.headers.get(name);
    if (value !== null) {
      headers[name] = value;
    }
  }
  return new Response(body, { status: answer.status, headers });
}

async function relayBody(answer: Response, broke: Broke): Promise<Response> {
  // A body that nobody looks at is never made a stream of this isolate's.
  if (isShort(answer.headers)) {
    return relay(answer, await whole(answer, broke));
  }
  if (answer.body === null) {
    return relay(answer, null);
  }
  return relay(answer, (isEventStream(answer.headers) ? unbroken : watched)(answer.body, broke));
}

function isShort(headers: Headers): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= SHORT_BYTES && !isEventStream(headers);
}

/**
 * A short answer's body, read at once: to hand it on chunk by chunk would cost more than all else the edge does. It told its
 * length, so it was made before it was sent, and is there by the deadline of its first byte, or breaks off.
 */
async function whole(answer: Response, broke: Broke): Promise<BodyInit> {
  try {
    return await answer.arrayBuffer();
  } catch (error) {
    broke(error);
    return broken(error);
  }
}

/** An error in OpenAI's shape goes on as it is; any other becomes ours. */
async function relayError(answer: Response): Promise<Answer> {
  const body = answer.body === null ? null : await readAtMost(answer.body, ERROR_BYTES);
  if (answer.status >= 400 && !EDGE_REFUSED.has(answer.status) && body !== null && isOpenAiError(body)) {
    return { response: relay(answer, body), passedOn: !answer.headers.has(HEADERS.NOT_PASSED_ON) };
  }
  const cause = new Error(`the gateway answered ${answer.status}`);
  // A gateway gives every answer an id: one that carries it is the region's own, whatever its status.
  if (UNREACHED.has(answer.status) && !answer.headers.has(HEADERS.REQUEST_ID)) {
    throw new RegionError(true, cause);
  }
  throw new RefusedError(TIMEOUTS.has(answer.status) ? ERRORS.UPSTREAM_TIMEOUT : ERRORS.UPSTREAM_FAILED, { cause });
}

function isOpenAiError(body: Uint8Array): boolean {
  const error = parseObject(body)?.error;
  return isObject(error) && typeof error.message === "string" && typeof error.type === "string";
}
