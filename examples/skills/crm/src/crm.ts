import { readFile } from "node:fs/promises";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

export interface CrmConfig {
  baseUrl: string;
  tokenFile: string;
}

/** What of a customer the model may see; whatever else the CRM tells is left out. */
const Customer = Type.Object({
  id: Type.String({ maxLength: 64 }),
  name: Type.String({ maxLength: 200 }),
  status: Type.Union([Type.Literal("active"), Type.Literal("paused"), Type.Literal("closed")]),
  contact: Type.Optional(Type.String({ maxLength: 200 })),
});

export type Customer = Static<typeof Customer>;

/** The message is for the model, the reason for the operator; neither holds a secret or what the CRM said. */
export class CrmError extends Error {
  constructor(
    message: string,
    readonly reason: string,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

const NOT_SET_UP = "The CRM cannot be used: its access is not set up.";
const NO_ANSWER = "The CRM cannot be reached at the moment. Try again later.";
const BAD_ANSWER = "The CRM gave an answer that cannot be used.";

/** The customer of that number. Throws CrmError. */
export async function findCustomer(number: string, config: CrmConfig, signal?: AbortSignal): Promise<Customer> {
  const url = customerUrl(config.baseUrl, number);
  const token = await readToken(config.tokenFile);
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const until = signal ? AbortSignal.any([signal, limit]) : limit;
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      // A redirect could carry the token to another host.
      redirect: "manual",
      signal: until,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(response.status, number);
    }
    return parseCustomer(await readAtMost(response, MAX_BYTES));
  } catch (error) {
    if (error instanceof CrmError) throw error;
    throw new CrmError(NO_ANSWER, limit.aborted ? `no answer within ${TIMEOUT_MS} ms` : `no answer: ${codeOf(error)}`);
  }
}

/** Where the customer of that number is found. Throws CrmError for a number that would lead elsewhere. */
function customerUrl(baseUrl: string, number: string): URL {
  const base = URL.parse(baseUrl);
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash) {
    throw new CrmError(NOT_SET_UP, "baseUrl is no plain http or https URL");
  }
  const folder = `${base.href.replace(/\/+$/, "")}/customers/`;
  const url = new URL(folder + encodeURIComponent(number.toWellFormed()));
  // Dots alone would climb out of the folder.
  if (!url.href.startsWith(folder) || url.href === folder) {
    throw new CrmError("This is no customer's number.", "a number that leads elsewhere");
  }
  return url;
}

/** The token as it is now: it changes in place when it is rotated. */
async function readToken(file: string): Promise<string> {
  const token = await readFile(file, "utf8").then(
    (text) => text.trim(),
    (error: unknown) => {
      throw new CrmError(NOT_SET_UP, `tokenFile cannot be read: ${codeOf(error)}`);
    },
  );
  if (!/^[\x21-\x7e]+$/.test(token)) throw new CrmError(NOT_SET_UP, "tokenFile holds no token");
  return token;
}

function refusal(status: number, number: string): CrmError {
  const reason = `answered with status ${status}`;
  if (status === 404) return new CrmError(`The CRM has no customer ${number}.`, reason);
  if (status === 401 || status === 403) return new CrmError("The CRM refuses this agent's access.", reason);
  if (status === 429 || status >= 500) return new CrmError(NO_ANSWER, reason);
  return new CrmError(BAD_ANSWER, reason);
}

async function readAtMost(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw new CrmError(BAD_ANSWER, `answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseCustomer(text: string): Customer {
  const found = parseJson(text);
  if (!Value.Check(Customer, found)) throw new CrmError(BAD_ANSWER, "answered with something that is no customer");
  return { id: found.id, name: found.name, status: found.status, ...(found.contact && { contact: found.contact }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CrmError(BAD_ANSWER, "answered with something that is no JSON");
  }
}

/** An error's code, such as ENOENT; its message could quote what it should not. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "unknown";
}
