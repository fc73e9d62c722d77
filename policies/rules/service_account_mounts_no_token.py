"""No pod gets a token it doesn't ask for."""

from policies.field import Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, Rule


def check(resource: Resource) -> Findings:
    """The account's token is mounted only where a pod asks for it itself."""
    flag = inputs_of(resource)["automountServiceAccountToken"]
    yield from flag.require(lambda value: value is False, "every pod under this account would hold its token")


RULE = Rule(
    name="service-account-mounts-no-token",
    says="Service accounts are not mounted into pods by default.",
    reason="A token nobody asked for is one nobody watches.",
    remedy="Set automountServiceAccountToken to false; the one pod that needs it sets it to true.",
    controls=("CIS Kubernetes 5.1.6", "SOC2 CC6.1", "ISO 27001 A.8.2"),
    types=("kubernetes:core/*:ServiceAccount",),
    check=check,
    admission=Admission(
        resources=("v1/serviceaccounts",),
        # Each namespace's own `default` is made by Kubernetes itself, which has no other form of it.
        expression=('object.metadata.name == "default" || object.?automountServiceAccountToken.orValue(true) == false'),
        variables={},
    ),
)
