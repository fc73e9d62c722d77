import { type Credential, readCertificate } from "../../credential-records";
import { ERRORS } from "../../generated/contract";
import { RefusedError } from "../../refused";

/** The parts of Cloudflare's verdict on a client certificate that are used here. */
export type ClientCertificate = Pick<
  IncomingRequestCfPropertiesTLSClientAuth,
  "certPresented" | "certVerified" | "certRevoked" | "certIssuerSKI" | "certSubjectDNRFC2253"
>;

const KEY_IDENTIFIER = /^[0-9A-F]{2,128}$/;
const COMMON_NAME = /^[A-Za-z0-9]([-._A-Za-z0-9]{0,62}[A-Za-z0-9])?$/;
/** One attribute of a distinguished name as RFC 2253 writes it: a backslash takes the next character for what it is. */
const ATTRIBUTE = /(?:[^\\,+]|\\.)+/g;

/** The client certificate the connection came with, good or not, or null when it came with none. */
export function certificateOf(request: Request): ClientCertificate | null {
  const cf: Partial<IncomingRequestCfProperties> | undefined = request.cf;
  const auth = cf?.tlsClientAuth;
  return auth?.certPresented === "1" ? auth : null;
}

/**
 * Whose client certificate this is, or a refusal. Cloudflare has verified it against the zone's authorities, of which
 * there may be several: a name counts only together with the authority that gave it, else one tenant's could name another.
 *
 * A browser shows its user's certificate for any page that asks. What comes from a page (only browsers say so, and they
 * always do) is refused: else any page could have an agent act in its visitor's name, though it could not read the answer.
 */
export async function callerOfCertificate(
  certificate: ClientCertificate,
  headers: Headers,
  tenants: KVNamespace,
): Promise<Credential> {
  if (headers.has("origin") || headers.has("sec-fetch-site")) {
    throw new RefusedError(ERRORS.FORBIDDEN, { message: "A client certificate is not for use by a page." });
  }
  if (certificate.certVerified !== "SUCCESS" || certificate.certRevoked !== "0") {
    throw refused(certificate.certVerified === "SUCCESS" ? "revoked" : "not verified");
  }
  const authority = certificate.certIssuerSKI.toUpperCase();
  const name = commonName(certificate.certSubjectDNRFC2253);
  if (name === null || !KEY_IDENTIFIER.test(authority)) {
    throw refused("without a usable name");
  }
  const record = await readCertificate(tenants, authority, name);
  if (record === null) {
    throw refused("of nobody");
  }
  return record;
}

/** The one common name of a subject (RFC 2253), or null when there is none, more than one, or one we would not give. */
export function commonName(subject: string): string | null {
  const attributes = subject.includes('"') ? [] : (subject.match(ATTRIBUTE) ?? []);
  const names = attributes.filter((attribute) => /^\s*CN\s*=/i.test(attribute));
  const name = names.length === 1 ? (names[0]?.replace(/^\s*CN\s*=\s*/i, "") ?? "") : "";
  return COMMON_NAME.test(name) ? name : null;
}

function refused(reason: string): RefusedError {
  const message = "The client certificate is not valid.";
  return new RefusedError(ERRORS.INVALID_KEY, { message, cause: new Error(`the client certificate is ${reason}`) });
}
