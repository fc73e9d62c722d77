"""Content-free receipts: one line a request, hash-chained and signed by the agent that answered it.

A book is a folder of files `receipts-000001.jsonl`, `receipts-000002.jsonl`, …, one chain over all of them. Each line
is a JSON object in canonical form (RFC 8785: keys sorted, no blanks; and only ASCII and whole numbers) and a newline:

    v             1
    seq           number of the receipt, from 0, without a gap
    id            the request's id, as answered in its header
    time          when it ended: RFC 3339, UTC, milliseconds
    tenant agent  whose receipt it is
    key           id of the API key the request came with
    method path   which of the agent's own routes
    model         the model's name, and
    model_digest  `sha256:…` of its manifest
    tokens_in     tokens read, tokens_out  tokens made; null where nobody knows
    duration_ms   from the request's first byte to the answer's last
    outcome       one of `Outcome`
    prev          `hash` of the line before; of the first line: `genesis(identity)`
    kid           thumbprint (RFC 7638) of the public key that verifies `sig`
    hash          SHA-256, in hex, over the canonical form of all fields but `hash` and `sig`
    sig           Ed25519 over the 32 bytes of `hash`, in base64url without padding

A receipt has no room for what was said: every text field has a shape that holds no prose.
"""

from runtime.receipts.book import ReceiptBook
from runtime.receipts.format import HASH, BrokenBookError, Entry, Identity, Outcome, ReceiptError
from runtime.receipts.keys import KeyFormatError, key_id, load_public_keys, public_jwk
from runtime.receipts.verifying import Problem, Verdict, verify_files, verify_lines

__all__ = [
    "HASH",
    "BrokenBookError",
    "Entry",
    "Identity",
    "KeyFormatError",
    "Outcome",
    "Problem",
    "ReceiptBook",
    "ReceiptError",
    "Verdict",
    "key_id",
    "load_public_keys",
    "public_jwk",
    "verify_files",
    "verify_lines",
]
