import { ERRORS, LIMITS } from "./generated/contract";
import { RefusedError } from "./refused";

/** Whether an answer with these headers is streamed. */
export function isEventStream(headers: Headers): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** Hears of an answer that broke off. */
export type Broke = (error: unknown) => void;
type Controller = ReadableStreamDefaultController<Uint8Array>;

/** An answer that has said nothing for IDLE_S. */
class IdleError extends Error {
  constructor() {
    super(`silent for ${LIMITS.IDLE_S} s`);
  }
}

/**
 * An event stream as the client gets it: each chunk as it comes, comments among them, none read before it is asked for.
 * One that breaks off or falls silent ends with an error event, which OpenAI's SDKs raise: the runtime closes a broken
 * answer like a whole one. `broke` hears of it.
 */
export function unbroken(body: ReadableStream<Uint8Array>, broke: Broke): ReadableStream<Uint8Array> {
  return chunkwise(body, broke, (controller, error) => {
    controller.enqueue(new TextEncoder().encode(errorEvent(error)));
    controller.close();
  });
}

/** Any other answer as the client gets it: one that breaks off or falls silent breaks for the client too. */
export function watched(body: ReadableStream<Uint8Array>, broke: Broke): ReadableStream<Uint8Array> {
  return chunkwise(body, broke, (controller, error) => controller.error(error));
}

/** What is left of an answer that broke off before any of it went on: it breaks for the client too. */
export function broken(error: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(error) });
}

function chunkwise(
  body: ReadableStream<Uint8Array>,
  broke: Broke,
  end: (controller: Controller, error: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const pull = async (controller: Controller): Promise<void> => {
    try {
      const { done, value } = await read(reader);
      if (done) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    } catch (error) {
      broke(error);
      // What still computes at the other end must stop.
      reader.cancel(error).catch(() => undefined);
      end(controller, error);
    }
  };
  return new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) }, { highWaterMark: 0 });
}

/** The next chunk. Raises IdleError when none comes in time. */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new IdleError()), LIMITS.IDLE_S * 1000);
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** It starts with the end of whatever event was cut short. */
function errorEvent(error: unknown): string {
  const refused =
    error instanceof IdleError
      ? new RefusedError(ERRORS.UPSTREAM_TIMEOUT, { message: "The agent fell silent." })
      : new RefusedError(ERRORS.UPSTREAM_FAILED, { message: "The agent's answer broke off." });
  return `\n\ndata: ${JSON.stringify(refused.body())}\n\n`;
}
