"""Everything that costs or holds data says whose it is."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Field, Finding, inputs_of
from policies.record import Resource
from policies.rule import Rule

TAGS = ("moltghost:tenant", "moltghost:region")
_TAGGED = (
    "aws:dynamodb/table:Table",
    "aws:ebs/volume:Volume",
    "aws:ec2/eip:Eip",
    "aws:ec2/instance:Instance",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
)


def _tags(declared: Declared, resource: Resource) -> tuple[Field, ...]:
    """A resource's own tags, and those its provider gives everything."""
    provider = declared.provider_of(resource)
    own = inputs_of(resource)["tags"]
    return (own, inputs_of(provider)["defaultTags"].parsed()["tags"]) if provider else (own,)


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """There is a tag of the tenant or the region, its own or its provider's."""
    for resource in declared.of(*_TAGGED):
        places = _tags(declared, resource)
        if any(place[tag].is_set and place.is_known for place in places for tag in TAGS):
            continue
        unknown = [place for place in places if not place.is_known]
        yield resource, unknown[0].unknown() if unknown else places[0].fail("says neither tenant nor region")


RULE = Rule(
    name="resource-says-whose-it-is",
    says="What costs or holds data is tagged moltghost:tenant or moltghost:region, itself or by its provider.",
    reason="A bill, an incident and a deletion all begin with the question whose it is.",
    remedy="Set the tag, or declare the resource with the stack's own provider, which sets it.",
    controls=("SOC2 CC6.1", "ISO 27001 A.5.9", "ISO 27001 A.5.12", "GDPR Art. 30"),
    types=_TAGGED,
    check_stack=check,
)
