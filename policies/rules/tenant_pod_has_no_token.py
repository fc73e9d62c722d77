"""A tenant's pods hold no token for the cluster's API."""

from policies.field import Findings, inputs_of
from policies.pods import POD_TYPES, TENANT_LABEL, admit_pods, pod_of
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """A pod that carries a tenant's label mounts no service account's token, its own account's or a projected one."""
    pod = pod_of(resource)
    labels = (inputs_of(resource).at("metadata", "labels", TENANT_LABEL), pod.metadata.at("labels", TENANT_LABEL))
    if not any(label.is_set for label in labels):
        return
    flag = pod.spec["automountServiceAccountToken"]
    yield from flag.require(lambda value: value is False, "the pod would hold a token for the cluster's API")
    for volume in pod.spec["volumes"].each():
        for source in volume.at("projected", "sources").each():
            yield from source["serviceAccountToken"].require(lambda token: token is None, "the volume holds a token")


RULE = Rule(
    name="tenant-pod-has-no-token",
    says="A tenant's pods mount no service account's token.",
    reason="An agent runs tools for whoever asks: a token in its pod is a way to the cluster's API.",
    remedy="Set automountServiceAccountToken to false, and project no serviceAccountToken.",
    controls=("CIS Kubernetes 5.1.6", "SOC2 CC6.1", "ISO 27001 A.8.2", "GDPR Art. 32"),
    types=POD_TYPES,
    check=check,
    admission=admit_pods(
        "object.spec.?automountServiceAccountToken.orValue(true) == false && "
        "object.spec.?volumes.orValue([]).all(v, "
        "v.?projected.?sources.orValue([]).all(s, !has(s.serviceAccountToken)))",
        tenants_only=True,
    ),
)
