"""Claims on who may read and write what lies in the cloud: buckets, keys, secrets, volumes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.prove.declared import Declared, Findings, listed, mapping, required, text
from infra.prove.grants import Grant, overlaps, read_grants, touches, within
from infra.prove.problems import UnmodelledError
from infra.prove.verdict import IDENTITIES_APART, NOTHING_OUTSIDE, Breach, Hop
from policies.record import Resource, Unknown
from runtime.contract import labels

_ROLE, _BUCKET = "aws:iam/role:Role", "aws:s3/bucket:Bucket"
_KEYS = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
_DATA = ("s3:", "kms:", "secretsmanager:", "ssm:getparameter", "sts:assumerole", "iam:", "rds-data:", "rds-db:", "ebs:")
"""Actions by which a role comes to a tenant's data, or to another role that does."""
_HARMLESS = (
    "autoscaling:",
    "ec2:describe",
    "ec2:getinstancetypes",
    "eks:describe",
    "logs:",
    "route53:list",
    "kms:describe",
    "ssm:updateinstanceinformation",
)

MANAGED = {
    "AmazonEKSClusterPolicy": "the control plane's own",
    "AmazonEKSWorkerNodePolicy": "describes what a node must know",
    "AmazonEC2ContainerRegistryPullOnly": "pulls images",
    "AmazonEC2ContainerRegistryReadOnly": "pulls images",
    "AmazonEBSCSIDriverPolicy": "attaches volumes as the cluster's controller asks; reads no data",
    "AmazonSSMManagedInstanceCore": "lets the account's operators reach the WireGuard gateways",
}
"""AWS's own policies that give no access to objects, keys or secrets of tenants, and what they are for."""


@dataclass
class _Cloud:
    declared: Declared
    findings: Findings
    buckets: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    """ARN → (owner, URN), and so below."""
    keys: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    roles: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    """Owner by URN."""

    def protected(self) -> Iterator[tuple[str, str, str]]:
        """What tenants own: (ARN, tenant, URN)."""
        for known in (self.buckets, self.keys, self.roles):
            yield from ((arn, owner, urn) for arn, (owner, urn) in known.items() if owner is not None)


def judge_cloud_identities(declared: Declared, findings: Findings) -> None:
    """Judge every role, key, bucket and pod identity."""
    cloud = _Cloud(declared, findings)
    for each in declared.of(_BUCKET):
        cloud.owners[each.urn] = owner = declared.owner(each)
        cloud.buckets[f"arn:aws:s3:::{_named(each, 'bucket')}"] = (owner, each.urn)
    for each in declared.of(*_KEYS):
        cloud.owners[each.urn] = owner = declared.owner(each)
        cloud.keys[f"{{{{{each.urn}#arn}}}}"] = (owner, each.urn)
    for each in declared.of(_ROLE):
        cloud.owners[each.urn] = owner = declared.owner(each)
        cloud.roles[f"{{{{{each.urn}#arn}}}}"] = (owner, each.urn)
    judges = {
        "aws:iam/rolePolicy:RolePolicy": _role_policy,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
        _ROLE: _trust,
        **dict.fromkeys(_KEYS, _key),
        "aws:kms/alias:Alias": _alias,
        "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replication,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _encryption,
        "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity,
    }
    for type_, judge in judges.items():
        for each in declared.of(type_):
            try:
                findings.breaches |= set(judge(cloud, each))
            except UnmodelledError as error:
                findings.unmodelled.add(error.what)
    findings.breaches |= set(_unblocked(cloud))
    findings.breaches |= set(_same_alias(cloud))
    findings.assumptions.add(
        "An account's root and its operators' roles are trusted; so are AWS's services themselves."
    )
    findings.assumptions.add("Conditions on what is allowed are not counted on: each is read as if it always held.")


def _named(resource: Resource, field: str) -> str:
    return text(resource.inputs.get(field)) or f"{{{{{resource.urn}#{field}}}}}"


def _role_policy(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    role = cloud.declared.refers(resource, "role", _ROLE)
    if role is None:
        raise UnmodelledError(resource.urn, "role", "is no role of these stacks")
    yield from _may(cloud, role, resource.urn, list(read_grants(resource.urn, "policy", resource.inputs.get("policy"))))


def _may(cloud: _Cloud, role: str, urn: str, grants: list[Grant]) -> Iterator[Breach]:
    owner = cloud.owners[role]
    for each in grants:
        if not touches(each.actions, _DATA):
            if unknown := [one for one in each.actions if not one.lower().startswith(_HARMLESS)]:
                cloud.findings.missed(urn, each.field, f"allows {', '.join(unknown)}: what that opens is not modelled")
            continue
        start = Hop(f"role of {owner or 'the platform'}", role)
        for pattern in each.resources:
            rule = Hop("its policy", urn, each.field, f"allows {', '.join(each.actions[:3])} on {_short(pattern)}")
            for arn, victim, target in cloud.protected():
                if victim != owner and overlaps(pattern, arn):
                    says = f"a role of {owner or 'the platform'} may use what is {victim}'s"
                    yield Breach(IDENTITIES_APART, says, (start, rule, Hop(f"{victim}'s", target)))
            own = [arn for arn, tenant, _ in cloud.protected() if tenant == owner]
            if owner is not None and not any(within(pattern, arn) for arn in own):
                says = f"a role of {owner} may use more than is {owner}'s"
                yield Breach(IDENTITIES_APART, says, (start, rule, Hop(_short(pattern))))


def _short(pattern: str) -> str:
    return pattern.rpartition("::")[2].replace("}}", "") if pattern.startswith("{{") else pattern


def _attachment(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    arn = required(resource.inputs.get("policyArn"), resource.urn, "policyArn")
    role, name = cloud.declared.refers(resource, "role", _ROLE), arn.rpartition("/")[2]
    if not arn.startswith("arn:aws:iam::aws:policy/") or name not in MANAGED or role is None:
        raise UnmodelledError(resource.urn, "policyArn", f"{name} is no policy whose rights the proof knows")
    cloud.findings.assumptions.add(f"AWS's policy {name} {MANAGED[name]}, and gives nobody a tenant's data.")
    if cloud.owners[role] is not None:
        path = (Hop(f"role of {cloud.owners[role]}", role), Hop("its policy", resource.urn, "policyArn", name))
        yield Breach(IDENTITIES_APART, "a tenant's role has rights over the whole account", path)


def _trust(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    owner = cloud.owners[resource.urn]
    if any(resource.inputs.get(one) for one in ("inlinePolicies", "managedPolicyArns")):
        raise UnmodelledError(resource.urn, "inlinePolicies", "rights inside a role are not modelled")
    for grant in read_grants(resource.urn, "assumeRolePolicy", resource.inputs.get("assumeRolePolicy")):
        for kind, who in grant.principals:
            if kind == "Service":
                continue
            if kind != "AWS":
                raise UnmodelledError(resource.urn, grant.field, f"{kind} principals are not modelled")
            if who in cloud.roles and cloud.roles[who][0] == owner:
                continue
            path = (
                Hop(who, cloud.roles[who][1] if who in cloud.roles else ""),
                Hop("may take the role", resource.urn, grant.field),
            )
            yield Breach(IDENTITIES_APART, f"{who} may be a role of {owner or 'the platform'}", path)


def _key(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    owner = cloud.owners[resource.urn]
    if owner is None and not cloud.declared.tenants:
        return
    for grant in read_grants(resource.urn, "policy", resource.inputs.get("policy")):
        for kind, who in grant.principals:
            if kind == "Service" or (kind == "AWS" and _is_own_account(cloud, resource, who)):
                continue
            if who in cloud.roles and cloud.roles[who][0] == owner:
                continue
            if owner is None and who == "*" and _through_services_only(resource, grant):
                continue
            path = (Hop(f"anyone who is {who}"), Hop("the key's policy", resource.urn, grant.field, "lets them use it"))
            yield Breach(IDENTITIES_APART, f"a key of {owner or 'the platform'} may be used by {who}", path)


def _is_own_account(cloud: _Cloud, resource: Resource, who: str) -> bool:
    """The account as such: IAM's own policies, judged one by one, say which role of it."""
    accounts = {
        account
        for each in cloud.declared.of("pulumi:providers:aws")
        if each.urn == (resource.provider or "").rpartition("::")[0] or each.urn == resource.provider
        for account in _accounts(each)
    }
    return who in {f"arn:aws:iam::{account}:root" for account in accounts}


def _accounts(provider: Resource) -> list[str]:
    found = provider.inputs.get("allowedAccountIds")
    if isinstance(found, str):
        return [each.strip('" ') for each in found.strip("[]").split(",")]
    return [str(each) for each in listed(found, provider.urn, "allowedAccountIds")]


def _through_services_only(resource: Resource, grant: Grant) -> bool:
    """Whether a statement for everyone is for one account's callers, and through one of AWS's services alone."""
    document = text(resource.inputs.get("policy")) or ""
    return (
        "kms:CallerAccount" in document
        and "kms:ViaService" in document
        and all(one.startswith("kms:") for one in grant.actions)
    )


def _alias(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    name = required(resource.inputs.get("name"), resource.urn, "name")
    target = next((urn for type_ in _KEYS if (urn := cloud.declared.refers(resource, "targetKeyId", type_))), None)
    if target is None:
        raise UnmodelledError(resource.urn, "targetKeyId", "is no key of these stacks")
    if cloud.owners[target] != cloud.declared.owner(resource):
        path = (
            Hop(f"who uses {name}", resource.urn, "targetKeyId"),
            Hop(f"the key of {cloud.owners[target] or 'the platform'}", target),
        )
        yield Breach(IDENTITIES_APART, f"{name} leads to another's key", path)


def _same_alias(cloud: _Cloud) -> Iterator[Breach]:
    """One alias of two stacks is one key for two."""
    seen: dict[tuple[str, str], Resource] = {}
    for each in cloud.declared.of("aws:kms/alias:Alias"):
        name = text(each.inputs.get("name")) or each.urn
        region = (
            (each.provider or "").split("::")[-1] if (each.provider or "").count("::") == 3 else _provider_name(each)
        )
        other = seen.setdefault((region, name), each)
        if other is not each and cloud.declared.owner(other) != cloud.declared.owner(each):
            path = (Hop(f"who uses {name}", each.urn, "name"), Hop("the same alias", other.urn, "name"))
            yield Breach(IDENTITIES_APART, f"{name} is declared for two", path)


def _provider_name(resource: Resource) -> str:
    parts = (resource.provider or "").split("::")
    return parts[3] if len(parts) > 3 else ""


def _bucket_policy(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    bucket = cloud.declared.refers(resource, "bucket", _BUCKET)
    if bucket is None:
        raise UnmodelledError(resource.urn, "bucket", "is no bucket of these stacks")
    owner = cloud.owners[bucket]
    for grant in read_grants(resource.urn, "policy", resource.inputs.get("policy")):
        for kind, who in grant.principals:
            if kind == "AWS" and who in cloud.roles and cloud.roles[who][0] == owner:
                continue
            path = (
                Hop(f"anyone who is {who}"),
                Hop("the bucket's policy", resource.urn, grant.field, f"allows {', '.join(grant.actions[:3])}"),
                Hop(f"the bucket of {owner or 'the platform'}", bucket),
            )
            claim = NOTHING_OUTSIDE if who == "*" else IDENTITIES_APART
            yield Breach(claim, f"{who} may use the bucket of {owner or 'the platform'}", path)


def _unblocked(cloud: _Cloud) -> Iterator[Breach]:
    """Buckets that could be made public."""
    wanted = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    blocks = {
        cloud.declared.refers(each, "bucket", _BUCKET): each
        for each in cloud.declared.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    }
    for owner, urn in cloud.buckets.values():
        block = blocks.get(urn)
        open_ = [one for one in wanted if block is None or block.inputs.get(one) is not True]
        if open_:
            says = f"the bucket of {owner or 'the platform'} may be made public"
            lacking = Hop("what it does not block", block.urn if block else "", open_[0])
            yield Breach(NOTHING_OUTSIDE, says, (Hop("the Internet"), lacking, Hop("the bucket", urn)))


def _replication(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    owner = cloud.declared.owner(resource)
    for at, rule in enumerate(listed(resource.inputs.get("rules"), resource.urn, "rules")):
        field = f"rules[{at}].destination.bucket"
        if isinstance(rule, Unknown):
            yield from _made_of(cloud, resource, owner, field)
            continue
        to = required(mapping(rule.get("destination"), resource.urn, field).get("bucket"), resource.urn, field)
        if to not in cloud.buckets:
            raise UnmodelledError(resource.urn, field, f"{to} is no bucket of these stacks")
        if cloud.buckets[to][0] != owner:
            path = (
                Hop(f"what {owner} stores", resource.urn, field),
                Hop(f"the bucket of {cloud.buckets[to][0] or 'the platform'}", cloud.buckets[to][1]),
            )
            yield Breach(IDENTITIES_APART, f"what {owner} stores is copied to another", path)


def _made_of(cloud: _Cloud, resource: Resource, owner: str | None, field: str) -> Iterator[Breach]:
    """A copy whose rule is not known yet is judged by what it is made from."""
    made = [urn for urn in resource.property_dependencies.get("rules", ()) if urn in cloud.owners]
    if not made:
        raise UnmodelledError(resource.urn, field, "is not known, nor what it is made from")
    cloud.findings.assumptions.add(
        "A copy whose rule is not known before the deployment leads to what it is made from."
    )
    for urn in made:
        if cloud.owners[urn] != owner:
            other = cloud.owners[urn] or "the platform"
            path = (Hop(f"what {owner} stores", resource.urn, field), Hop(f"what is {other}'s", urn))
            yield Breach(IDENTITIES_APART, f"what {owner} stores is copied to another", path)


def _encryption(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    bucket = cloud.declared.refers(resource, "bucket", _BUCKET)
    for at, rule in enumerate(listed(resource.inputs.get("rules"), resource.urn, "rules")):
        field = f"rules[{at}].applyServerSideEncryptionByDefault.kmsMasterKeyId"
        default = mapping(rule.get("applyServerSideEncryptionByDefault"), resource.urn, field)
        key = required(default.get("kmsMasterKeyId"), resource.urn, field)
        if bucket is None or key not in cloud.keys:
            raise UnmodelledError(resource.urn, field, f"{_short(key)} is no key of these stacks")
        if cloud.keys[key][0] != cloud.owners[bucket]:
            path = (
                Hop(f"the bucket of {cloud.owners[bucket] or 'the platform'}", resource.urn, field),
                Hop(f"the key of {cloud.keys[key][0] or 'the platform'}", cloud.keys[key][1]),
            )
            yield Breach(IDENTITIES_APART, "a bucket is sealed with another's key", path)


def _pod_identity(cloud: _Cloud, resource: Resource) -> Iterator[Breach]:
    space = required(resource.inputs.get("namespace"), resource.urn, "namespace")
    role = cloud.declared.refers(resource, "roleArn", _ROLE)
    if role is None:
        raise UnmodelledError(resource.urn, "roleArn", "is no role of these stacks")
    tenants = {
        tenant
        for each in cloud.declared.of("kubernetes:core/v1:Namespace")
        if mapping(each.inputs.get("metadata"), each.urn, "metadata").get("name") == space
        and (
            tenant := mapping(
                mapping(each.inputs["metadata"], each.urn, "metadata").get("labels"), each.urn, "labels"
            ).get(labels.TENANT)
        )
    }
    if tenants - {cloud.owners[role]} or (cloud.owners[role] is not None and not tenants):
        who = ", ".join(sorted(map(str, tenants))) or "the platform"
        path = (
            Hop(f"pods of {space} ({who})", resource.urn, "roleArn"),
            Hop(f"the role of {cloud.owners[role] or 'the platform'}", role),
        )
        yield Breach(IDENTITIES_APART, f"pods of {who} act as another's role", path)
