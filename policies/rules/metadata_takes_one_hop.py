"""A node's credentials stay on the node."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """The metadata service asks for a token, and its answer dies one hop away: in no pod."""
    options = inputs_of(resource)["metadataOptions"]
    if options.is_known and options["httpEndpoint"].value == "disabled":
        return
    yield from options["httpTokens"].require(lambda value: value == "required", "any request would be answered")
    hops = options["httpPutResponseHopLimit"]
    yield from hops.require(lambda limit: limit == 1, "a token would reach pods, a hop beyond the node")


RULE = Rule(
    name="metadata-takes-one-hop",
    says="Instances answer metadata requests with a token only, over one hop.",
    reason="From the metadata service a pod would take the node's role, which pulls every image and joins the cluster.",
    remedy="Set metadataOptions: httpTokens required, httpPutResponseHopLimit 1.",
    controls=("CIS AWS 5.6", "SOC2 CC6.1", "ISO 27001 A.8.2", "ISO 27001 A.8.9"),
    types=("aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance"),
    check=check,
)
