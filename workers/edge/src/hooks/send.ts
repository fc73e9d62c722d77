import { HEADERS, HOOKS } from "../generated/contract";
import { signatureOf } from "./signature";

/** Whom an answer goes to, and whose secrets sign it. */
export interface Receiver {
  readonly tenant: string;
  readonly id: string;
  readonly versions: readonly number[];
  readonly deliver_to: string;
}

/** What a receiver said: its status, null for none in time, and for how long it asked to be left alone (seconds). */
export interface Reply {
  readonly status: number | null;
  readonly retryAfterS: number;
}

/** Those that may ask to be left alone for a while: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
const BUSY: readonly number[] = [429, 503];
const DIGITS = /^[0-9]{1,9}$/;

/** Seconds a `retry-after` names, as a number or a date; 0 where it names none. */
export function retryAfter(header: string | null, now: number = Date.now()): number {
  if (header === null) {
    return 0;
  }
  const seconds = DIGITS.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds, 0), HOOKS.RETRY_MOST_S);
}

/** Sends an answer once, and says what the receiver said. A redirect is followed nowhere. */
export async function sendAnswer(
  pepper: string,
  receiver: Receiver,
  delivery: string,
  body: Uint8Array,
): Promise<Reply> {
  const headers = {
    "content-type": "application/json",
    [HEADERS.HOOK_DELIVERY]: delivery,
    [HEADERS.HOOK_SIGNATURE]: await signatureOf(pepper, receiver, Math.floor(Date.now() / 1000), body),
  };
  const request = new Request(receiver.deliver_to, { method: "POST", headers, body, redirect: "manual" });
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(HOOKS.DELIVERY_S * 1000) });
    // What a receiver says beyond its status is nobody's to read.
    await response.body?.cancel();
    const { status, headers: said } = response;
    return { status, retryAfterS: BUSY.includes(status) ? retryAfter(said.get("retry-after")) : 0 };
  } catch {
    return { status: null, retryAfterS: 0 };
  }
}
