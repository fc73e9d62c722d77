import { isObject, parseObject, readAtMost } from "./body";
import { ERRORS, HEADERS, LIMITS } from "./generated/contract";
import { RefusedError } from "./refused";
import { EVENT_STREAM, unbroken } from "./stream";

/** The answer's headers that go on; all others end here. */
const PASSED_BACK = ["content-type", "retry-after", HEADERS.RECEIPT, HEADERS.USAGE];
/** Largest error answer read, in bytes; a longer one is not ours. */
const ERROR_BYTES = 65_536;
/** What a tunnel or a proxy on the way answers when the origin was too slow. */
const TIMEOUTS = new Set<number>([ERRORS.UPSTREAM_TIMEOUT.status, 522, 524]);
/** Refusals of the edge itself: the client's own key is good, and must not look bad. */
const EDGE_REFUSED = new Set([401, 403]);

/**
 * Asks the gateway and returns its answer for the client, the body still streaming. `client` cancels both the request
 * and the stream; `broke` hears of a stream that broke off. Raises RefusedError as long as nothing was answered. A stream
 * that falls silent is the gateway's to give up.
 */
export async function ask(request: Request, client: AbortSignal, broke: (error: unknown) => void): Promise<Response> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), LIMITS.FIRST_BYTE_S * 1000);
  try {
    const signal = AbortSignal.any([client, deadline.signal]);
    const answer = await fetch(request, { signal, redirect: "manual" });
    return answer.ok ? relayBody(answer, broke) : await relayError(answer);
  } catch (error) {
    if (error instanceof RefusedError) {
      throw error;
    }
    throw new RefusedError(deadline.signal.aborted ? ERRORS.UPSTREAM_TIMEOUT : ERRORS.UPSTREAM_FAILED, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function relay(answer: Response, body: BodyInit | null): Response {
  const headers = new Headers();
  for (const name of PASSED_BACK) {
    const value = answer.headers.get(name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  return new Response(body, { status: answer.status, headers });
}

function relayBody(answer: Response, broke: (error: unknown) => void): Response {
  const events = answer.headers.get("content-type")?.startsWith(EVENT_STREAM) && answer.body !== null;
  return relay(answer, events ? unbroken(answer.body, broke) : answer.body);
}

/** An error in OpenAI's shape goes on as it is; any other becomes ours. */
async function relayError(answer: Response): Promise<Response> {
  const body = answer.body === null ? null : await readAtMost(answer.body, ERROR_BYTES);
  if (answer.status >= 400 && !EDGE_REFUSED.has(answer.status) && body !== null && isOpenAiError(body)) {
    return relay(answer, body);
  }
  const kind = TIMEOUTS.has(answer.status) ? ERRORS.UPSTREAM_TIMEOUT : ERRORS.UPSTREAM_FAILED;
  throw new RefusedError(kind, { cause: new Error(`the gateway answered ${answer.status}`) });
}

function isOpenAiError(body: Uint8Array): boolean {
  const error = parseObject(body)?.error;
  return isObject(error) && typeof error.message === "string" && typeof error.type === "string";
}
