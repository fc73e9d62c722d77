import { ERRORS } from "./generated/contract";
import { RefusedError } from "./refused";

/** The media type of a streamed answer. */
export const EVENT_STREAM = "text/event-stream";

/**
 * An event stream as the client gets it: each chunk as it comes, none read before it is asked for. One that breaks off
 * ends with an error event, which OpenAI's SDKs raise: the runtime closes a broken answer like a whole one. `broke` hears of it.
 */
export function unbroken(
  body: ReadableStream<Uint8Array>,
  broke: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    } catch (error) {
      broke(error);
      controller.enqueue(new TextEncoder().encode(errorEvent()));
      controller.close();
    }
  };
  return new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) }, { highWaterMark: 0 });
}

/** It starts with the end of whatever event was cut short. */
function errorEvent(): string {
  const body = new RefusedError(ERRORS.UPSTREAM_FAILED, { message: "The agent's answer broke off." }).body();
  return `\n\ndata: ${JSON.stringify(body)}\n\n`;
}
