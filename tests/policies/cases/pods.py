"""Cases of the rules about pods."""

import copy
from collections.abc import Mapping
from typing import Any

from policies.record import Resource
from tests.policies.cases import Case, Make
from tests.policies.resources import kubernetes

DIGEST = "sha256:" + "0123456789abcdef" * 4
NAMESPACE = "policies-tenant"
"""Where the cases' pods are: a tenant's namespace."""
GOOD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
        "sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "60"}],
    },
    "containers": [
        {
            "name": "agent",
            "image": f"registry.example/agent@{DIGEST}",
            "resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1"}},
            "ports": [{"containerPort": 8090}],
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8091}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
                "seLinuxOptions": {"level": "s0:c1,c2"},
            },
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def pod(tag: str, spec: Mapping[str, Any], annotations: Mapping[str, str] | None = None) -> tuple[Resource, ...]:
    """A tenant's pod."""
    labels = {"moltghost.io/tenant": "acme"}
    metadata: dict[str, Any] = {"name": tag, "namespace": NAMESPACE, "labels": labels}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return (kubernetes({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, tag),)


def with_spec(**changes: Any) -> Make:
    """The good pod with other fields in its spec."""
    return lambda tag: pod(tag, {**copy.deepcopy(GOOD), **changes})


def with_context(**changes: Any) -> Make:
    """The good pod with other fields in its security context; None takes one out."""
    return with_spec(securityContext=_merged(GOOD["securityContext"], changes))


def with_container(**changes: Any) -> Make:
    """The good pod with other fields in its container."""
    return with_spec(containers=[{**GOOD["containers"][0], **changes}])


def with_container_context(**changes: Any) -> Make:
    """The good pod with other fields in its container's security context; None takes one out."""
    return with_container(securityContext=_merged(GOOD["containers"][0]["securityContext"], changes))


def with_init(**changes: Any) -> Make:
    """The good pod with one more container that ends before the others start."""
    plain = {key: value for key, value in GOOD["containers"][0].items() if key not in ("resources", "readinessProbe")}
    return with_spec(initContainers=[{**plain, "name": "init", **changes}])


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def _volume(**source: Any) -> Make:
    return with_spec(volumes=[{"name": "one", **source}])


def _case(**mutants: Make) -> Case:
    return Case(with_spec(), mutants)


GPU = "nvidia.com/gpu"
NO_ROOT_CHECK = {"runAsNonRoot": None}

CASES: dict[str, Case] = {
    "pod-runs-no-windows-host-process": _case(
        # A HostProcess container is one of Windows and of the node's network; the API server takes no other.
        pod=with_spec(
            os={"name": "windows"},
            hostNetwork=True,
            securityContext={"windowsOptions": {"hostProcess": True}, "runAsNonRoot": True},
            containers=[{"name": "agent", "image": f"registry.example/agent@{DIGEST}"}],
        ),
    ),
    "pod-shares-no-host-namespace": _case(
        network=with_spec(
            hostNetwork=True,
            securityContext={**GOOD["securityContext"], "sysctls": []},
            containers=[{**GOOD["containers"][0], "ports": []}],
        ),
        processes=with_spec(hostPID=True),
        ipc=with_spec(hostIPC=True),
    ),
    "pod-is-not-privileged": _case(
        container=with_container_context(privileged=True, allowPrivilegeEscalation=None),
        init=with_init(securityContext={"privileged": True}),
    ),
    "pod-adds-only-default-capabilities": _case(
        container=with_container_context(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        init=with_init(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
    ),
    "pod-mounts-no-host-path": _case(volume=_volume(hostPath={"path": "/"})),
    "pod-opens-no-host-port": _case(port=with_container(ports=[{"containerPort": 8090, "hostPort": 8090}])),
    "pod-probes-itself-only": _case(
        probe=with_container(readinessProbe={"httpGet": {"path": "/", "port": 80, "host": "169.254.169.254"}}),
        hook=with_container(lifecycle={"preStop": {"httpGet": {"path": "/", "port": 80, "host": "10.0.0.1"}}}),
    ),
    "pod-keeps-its-apparmor-profile": _case(
        pod=with_context(appArmorProfile={"type": "Unconfined"}),
        container=with_container_context(appArmorProfile={"type": "Unconfined"}),
        annotation=lambda tag: pod(tag, GOOD, {"container.apparmor.security.beta.kubernetes.io/agent": "unconfined"}),
    ),
    "pod-keeps-its-selinux-type": _case(
        type=with_container_context(seLinuxOptions={"type": "spc_t"}),
        user=with_context(seLinuxOptions={"user": "system_u"}),
    ),
    "pod-unmasks-proc-only-as-nobody": _case(
        container=with_container_context(procMount="Unmasked"),
    ),
    "pod-masks-proc": Case(
        with_spec(),
        {
            "container": lambda tag: with_spec(
                hostUsers=False,
                containers=[
                    {
                        **GOOD["containers"][0],
                        "securityContext": {**GOOD["containers"][0]["securityContext"], "procMount": "Unmasked"},
                    }
                ],
            )(tag)
        },
    ),
    "pod-lifts-no-seccomp-profile": _case(
        pod=with_context(seccompProfile={"type": "Unconfined"}),
        container=with_container_context(seccompProfile={"type": "Unconfined"}),
    ),
    "pod-sets-safe-sysctls-only": _case(kernel=with_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}])),
    "pod-mounts-plain-volumes-only": _case(nfs=_volume(nfs={"server": "10.0.0.1", "path": "/"})),
    "pod-gains-no-privilege": _case(
        absent=with_container_context(allowPrivilegeEscalation=None),
        allowed=with_container_context(allowPrivilegeEscalation=True),
    ),
    "pod-runs-as-nonroot": _case(
        absent=with_context(runAsNonRoot=None),
        container=with_container_context(runAsNonRoot=False),
    ),
    "pod-user-is-not-root": _case(
        pod=with_context(runAsUser=0),
        container=with_container_context(runAsUser=0),
    ),
    "pod-has-a-seccomp-profile": _case(absent=with_context(seccompProfile=None)),
    "pod-drops-all-capabilities": _case(
        kept=with_container_context(capabilities={"drop": ["KILL"]}),
        added=with_container_context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}),
        absent=with_container_context(capabilities=None),
    ),
    "pod-root-is-read-only": _case(absent=with_container_context(readOnlyRootFilesystem=None)),
    "tenant-pod-has-no-token": _case(
        absent=with_spec(automountServiceAccountToken=True),
        projected=_volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
    ),
    "image-has-a-digest": _case(
        tag=with_container(image="registry.example/agent:1.2"),
        short=with_container(image="registry.example/agent@sha256:0123"),
        init=with_init(image="registry.example/agent"),
    ),
    "image-is-above-its-floor": Case(
        with_container(image=f"registry.example/openclaw:2026.5.18@{DIGEST}"),
        {
            "openclaw": with_container(image=f"registry.example/openclaw:2026.5.17@{DIGEST}"),
            "prerelease": with_container(image=f"registry.example/openclaw:2026.5.18-beta.1@{DIGEST}"),
            "ollama": with_init(image=f"registry.example:5000/x/ollama:v0.9.9@{DIGEST}"),
            "litellm": with_container(image=f"litellm:1.82.7@{DIGEST}"),
        },
    ),
    "gpu-is-whole": _case(
        two=with_container(resources={"limits": {GPU: "2"}, "requests": {GPU: "2"}}),
        none=with_container(resources={}),
        slice=with_container(resources={"limits": {GPU: "1", "nvidia.com/mig-1g.10gb": "1"}, "requests": {GPU: "1"}}),
        mps=with_container(env=[{"name": "CUDA_MPS_PIPE_DIRECTORY", "value": "/mps"}]),
        all=with_container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]),
    ),
}
