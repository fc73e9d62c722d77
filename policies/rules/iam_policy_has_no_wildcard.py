"""No identity may do everything."""

from policies.field import Field, Findings, inputs_of
from policies.iam import allows, unknown_parts
from policies.record import Resource
from policies.rule import Rule

_STRONG = ("arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/PowerUserAccess")


def _statement(statement: Field) -> Findings:
    yield from unknown_parts(statement, "Action")
    if not statement.is_known:
        return
    if statement["NotAction"].is_set:
        yield statement["NotAction"].fail("allows everything but what it names")
    for action in statement["Action"].texts():
        if action.endswith(":*"):
            yield from statement["Resource"].unknown_parts()
        if action == "*" or (action.endswith(":*") and "*" in statement["Resource"].texts()):
            yield statement["Action"].fail(f"{action} on {', '.join(statement['Resource'].texts())}")


def check(resource: Resource) -> Findings:
    """No action is a wildcard on everything, and no policy of AWS's own grants that."""
    inputs = inputs_of(resource)
    if resource.type.endswith("PolicyAttachment"):
        yield from inputs["policyArn"].require(lambda arn: arn not in _STRONG, "the whole account")
        return
    for statement in allows(inputs["policy"]):
        yield from _statement(statement)


RULE = Rule(
    name="iam-policy-has-no-wildcard",
    says="No IAM policy allows every action, or every action of a service on everything.",
    reason="Such a role is the whole account, every tenant's keys and buckets with it.",
    remedy="List the actions, and the ARNs they are for.",
    controls=("CIS AWS 1.16", "SOC2 CC6.3", "ISO 27001 A.5.15", "ISO 27001 A.8.2"),
    types=(
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/policy:Policy",
        "aws:iam/userPolicy:UserPolicy",
        "aws:iam/*PolicyAttachment:*",
    ),
    check=check,
)
