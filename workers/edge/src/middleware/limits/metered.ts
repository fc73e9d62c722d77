import { RATES } from "../../generated/contract";
import type { Admitted } from "../../limiter/client";
import { SECOND } from "../../limiter/rules";
import type { UsageWatch } from "../../usage";

/**
 * A stream as it is: each chunk goes on as it came, none is read before it is asked for. Its lease is renewed while it
 * lasts, and it is settled at its end, whatever ends it; `gone` is the client's leaving.
 */
export function metered(
  body: ReadableStream<Uint8Array>,
  watch: UsageWatch,
  admitted: Admitted,
  gone: AbortSignal,
  ended: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const end = (): void => {
    clearInterval(heart);
    void admitted.settle(watch.usage).then(ended);
  };
  let renewed = Date.now();
  const renew = (): void => {
    if (Date.now() - renewed >= RATES.RENEW_S * SECOND) {
      renewed = Date.now();
      // One sign of life that is lost is followed by another.
      admitted.renew().catch(() => undefined);
    }
  };
  // A client that reads nothing has its stream all the same.
  const heart = setInterval(renew, RATES.RENEW_S * SECOND);
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
        end();
        return;
      }
      controller.enqueue(value);
      watch.feed(value);
      renew();
    } catch (error) {
      controller.error(error);
      end();
    }
  };
  const cancel = async (reason: unknown): Promise<void> => {
    end();
    await reader.cancel(reason);
  };
  if (gone.aborted) {
    end();
  }
  gone.addEventListener("abort", end, { once: true });
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
