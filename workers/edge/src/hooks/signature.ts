import { HOOKS, hookLabel } from "../generated/contract";
import { pepperKey } from "../secrets";

const UTF8 = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" };
/** One way of writing each time: as many digits as now has, and will have for 200 years. */
const SIGNED = /^t=(?<timestamp>[1-9][0-9]{9}),(?<signatures>v1=[0-9a-f]{64}(?:,v1=[0-9a-f]{64})?)$/;

/** What a delivery's header says: when it was signed (Unix seconds), and with what, once for each live secret. */
export interface Signed {
  readonly timestamp: number;
  readonly signatures: readonly Uint8Array[];
}

/** The parts of a signature header, or null when it is not one. */
export function parseSigned(header: string): Signed | null {
  const { timestamp, signatures } = SIGNED.exec(header)?.groups ?? {};
  if (timestamp === undefined || signatures === undefined) {
    return null;
  }
  const given = signatures
    .split(",")
    .map((each) => Uint8Array.fromHex(each.slice(`${HOOKS.SIGNATURE_SCHEME}=`.length)));
  return { timestamp: Number(timestamp), signatures: given };
}

/** Whether a delivery was signed lately enough, by this clock. */
export function isTimely({ timestamp }: Signed, now: number = Date.now()): boolean {
  return Math.abs(now / 1000 - timestamp) <= HOOKS.TOLERANCE_S;
}

/** What is signed: the timestamp, a dot, the body. */
export function signedBytes({ timestamp }: Pick<Signed, "timestamp">, body: Uint8Array): Uint8Array {
  const start = UTF8.encode(`${timestamp}.`);
  const whole = new Uint8Array(start.length + body.length);
  whole.set(start);
  whole.set(body, start.length);
  return whole;
}

interface Signer {
  readonly tenant: string;
  readonly id: string;
  readonly versions: readonly number[];
}

/** The header of a delivery of ours: a signature by each of a hook's live secrets. */
export async function signatureOf(pepper: string, hook: Signer, timestamp: number, body: Uint8Array): Promise<string> {
  const bytes = signedBytes({ timestamp }, body);
  const signatures = hook.versions.map(async (version) => {
    const key = await secretKey(pepper, hookLabel(hook.tenant, hook.id, String(version)));
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
    return `${HOOKS.SIGNATURE_SCHEME}=${mac.toHex()}`;
  });
  return [`t=${timestamp}`, ...(await Promise.all(signatures))].join(",");
}

/** Whether one of a hook's live secrets made one of the signatures. What does not fit takes as long as what does. */
export async function isGenuine(
  pepper: string,
  hook: Signer,
  { signatures }: Signed,
  bytes: Uint8Array,
): Promise<boolean> {
  const checks = hook.versions.map(async (version) => {
    const key = await secretKey(pepper, hookLabel(hook.tenant, hook.id, String(version)));
    const each = signatures.map(async (signature) => await crypto.subtle.verify("HMAC", key, signature, bytes));
    return (await Promise.all(each)).includes(true);
  });
  return (await Promise.all(checks)).includes(true);
}

/** The secret a label stands for is its HMAC under the pepper; the sender's HMAC key is its text. */
async function secretKey(pepper: string, label: string): Promise<CryptoKey> {
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await pepperKey(pepper), UTF8.encode(label)));
  const secret = HOOKS.SECRET_PREFIX + mac.toBase64({ alphabet: "base64url", omitPadding: true });
  return await crypto.subtle.importKey("raw", UTF8.encode(secret), HMAC, false, ["sign", "verify"]);
}
