"""HTTP headers of our own, in lower case."""

EDGE_TOKEN = "x-moltghost-edge-token"  # noqa: S105  # the header's name, not a secret
"""The signed short-lived token the edge adds and the gateway and the agent verify."""

REQUEST_ID = "x-request-id"
"""One id for a request's whole way; in every answer."""

NOT_PASSED_ON = "x-moltghost-not-passed-on"
"""In a gateway's refusal: nothing of the request went on to an agent, so that another region may be asked."""

HOOK_SIGNATURE = "x-moltghost-signature"
"""In a webhook's delivery: `t=<Unix seconds>,v1=<signature>`, a signature for each live secret (`contract.hooks`)."""

HOOK_DELIVERY = "x-moltghost-delivery"
"""In the delivery of an answer: its id, the same each time it is sent."""

RECEIPT = "x-moltghost-receipt"
"""In an agent's answer: the hash of the last receipt it wrote before this answer began."""

USAGE = "x-moltghost-usage"
"""What an answer took: `<tokens read> <tokens made>`, for the edge alone. A header where the answer comes in one piece;
a stream says it before its last event, in a comment of this name (`:x-moltghost-usage 12 5`), which clients skip."""
