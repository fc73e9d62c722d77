"""A key's policy says who may use it, and nobody else may."""

from policies.field import Field, Findings, inputs_of
from policies.iam import account_of, allows, does_any, judgeable, principals, says_who_asks, unknown_parts
from policies.record import Resource
from policies.rule import Rule

USING = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant")
"""What makes use of a key, itself or through a grant; the rest administers it."""
_NARROWING = ("kms:EncryptionContext:", "kms:ViaService", "aws:PrincipalArn", "kms:ReplicaRegion")


def _is_narrowed(statement: Field) -> bool:
    keys = [key for _, test in statement["Condition"].items() for key, _ in test.items()]
    return any(key.startswith(_NARROWING) for key in keys)


def _statement(statement: Field, accounts: set[str]) -> Findings:
    yield from unknown_parts(statement, "Principal", "Action", "Condition")
    if not statement.is_known:
        return
    if statement["NotPrincipal"].is_set or statement["NotAction"].is_set:
        yield statement.fail("allows all but what it names")
    for kind, name in principals(statement):
        account = account_of(name)
        if kind == "AWS" and account is None and not says_who_asks(statement):
            yield statement["Principal"].fail(f"{name} is anyone, and no condition says of which account")
        if kind == "Service" and not says_who_asks(statement):
            yield statement["Principal"].fail(f"{name} would use the key for anyone's resources")
        if account is not None and accounts and account not in accounts:
            yield statement["Principal"].fail(f"account {account} is another's")
        whole_account = account is not None and name.endswith((":root", account))
        if whole_account and does_any(statement, USING) and not _is_narrowed(statement):
            yield statement["Action"].fail("whoever administers the account could read what the key encrypts")


def check(resource: Resource) -> Findings:
    """The key has a policy; each statement of it names who, or through what, and all are of one account."""
    document = inputs_of(resource)["policy"]
    yield from judgeable(document, "no policy: whoever the account's own policies let in could use the key")
    named = [account_of(name) for each in allows(document) for _, name in principals(each)]
    first = next((account for account in named if account), None)
    for statement in allows(document):
        yield from _statement(statement, {first} if first else set())


RULE = Rule(
    name="key-policy-lets-no-other-in",
    says="A key's policy lets in named callers of its own account; its administrators don't use it by that right.",
    reason="What a tenant's key encrypts is readable to whoever the key's policy lets in, wherever the data lies.",
    remedy="Name the role in a condition on aws:PrincipalArn, or the service in one on kms:ViaService.",
    controls=("SOC2 CC6.1", "SOC2 CC6.3", "ISO 27001 A.8.24", "GDPR Art. 32"),
    types=("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
    check=check,
)
