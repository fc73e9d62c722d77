"""Pods wherever they are declared: as such, or as the template of what makes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from policies.field import Field, Findings, inputs_of
from policies.record import Resource
from policies.rule import Admission, ResourceCheck
from runtime.contract import labels

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "kubernetes:core/*:Pod": (),
    "kubernetes:core/*:PodTemplate": ("template",),
    "kubernetes:core/*:ReplicationController": ("spec", "template"),
    "kubernetes:apps/*:*Set": ("spec", "template"),
    "kubernetes:apps/*:Deployment": ("spec", "template"),
    "kubernetes:batch/*:Job": ("spec", "template"),
    "kubernetes:batch/*:CronJob": ("spec", "jobTemplate", "spec", "template"),
    "kubernetes:agents.x-k8s.io/*:Sandbox": ("spec", "podTemplate"),
    "kubernetes:extensions.agents.x-k8s.io/*:SandboxTemplate": ("spec", "podTemplate"),
}
POD_TYPES = tuple(_TEMPLATES)

TENANT_LABEL = labels.TENANT
"""The label of whatever belongs to one tenant."""

_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True)
class Pod:
    """The metadata and the spec of the pods a resource makes."""

    metadata: Field
    spec: Field

    def containers(self) -> list[Field]:
        """Every container: initial, lasting and ephemeral."""
        return [container for key in _CONTAINER_LISTS for container in self.spec[key].each()]

    @property
    def system(self) -> Field:
        """The operating system's name; the profile asks less of `windows`."""
        return self.spec.at("os", "name")

    @property
    def host_users(self) -> Field:
        """False where the pod has a user namespace of its own, in which root is nobody."""
        return self.spec["hostUsers"]


def pod_of(resource: Resource) -> Pod:
    """The pod a resource of POD_TYPES makes."""
    template = inputs_of(resource)
    for pattern, keys in _TEMPLATES.items():
        if fnmatchcase(resource.type, pattern):
            template = template.at(*keys)
    return Pod(template["metadata"], template["spec"])


def per_pod(check: Callable[[Pod], Findings]) -> ResourceCheck:
    """A check of the pods a resource makes."""
    return lambda resource: check(pod_of(resource))


def per_container(check: Callable[[Field], Findings]) -> ResourceCheck:
    """A check of every container of the pods a resource makes."""
    return lambda resource: (finding for each in pod_of(resource).containers() for finding in check(each))


_SPEC = "object.spec"
_VARIABLES = {
    "containers": (
        f"dyn({_SPEC}.containers) + dyn({_SPEC}.?initContainers.orValue([]))"
        f" + dyn({_SPEC}.?ephemeralContainers.orValue([]))"
    ),
    "windows": f'{_SPEC}.?os.?name.orValue("") == "windows"',
    "ownUsers": f"!{_SPEC}.?hostUsers.orValue(true)",
    "context": f"dyn({_SPEC}).?securityContext.orValue({{}})",
}


def admit_pods(expression: str, *, tenants_only: bool = False) -> Admission:
    """Ask this of every pod that reaches the API server: whatever makes pods makes them there.

    The expression may use `variables.containers` (all of them), `.windows`, `.ownUsers` and `.context`.
    """
    used = {name: value for name, value in _VARIABLES.items() if f"variables.{name}" in expression}
    resources = ("v1/pods", "v1/pods/ephemeralcontainers")
    return Admission(resources=resources, expression=expression, variables=used, tenants_only=tenants_only)


def admit_containers(expression: str) -> Admission:
    """Ask this of every container `c` of every pod."""
    return admit_pods(f"variables.containers.all(c, {expression})")
