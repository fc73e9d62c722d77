import { HEADERS, HOOKS } from "../generated/contract";
import { signatureOf } from "./signature";

/** Whom an answer goes to, and whose secrets sign it. */
export interface Receiver {
  readonly tenant: string;
  readonly id: string;
  readonly versions: readonly number[];
  readonly deliver_to: string;
}

/** Sends an answer once; the status the receiver gave, or null for none in time. A redirect is followed nowhere. */
export async function sendAnswer(
  pepper: string,
  receiver: Receiver,
  delivery: string,
  body: Uint8Array,
): Promise<number | null> {
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
    return response.status;
  } catch {
    return null;
  }
}
