"""Pods made at random, with all that Pod Security looks at, right and wrong."""

import random
from typing import Any

PROFILES = (
    "RuntimeDefault",
    "Localhost",
    "Unconfined",
)
VOLUMES: tuple[dict[str, Any], ...] = (
    {"configMap": {"name": "a"}},
    {"csi": {"driver": "a"}},
    {"downwardAPI": {}},
    {"emptyDir": {}},
    {"ephemeral": {}},
    {"image": {"reference": "a"}},
    {"persistentVolumeClaim": {"claimName": "a"}},
    {"projected": {}},
    {"secret": {"secretName": "a"}},
    {"hostPath": {"path": "/"}},
    {"nfs": {"server": "a", "path": "/"}},
    {"iscsi": {"targetPortal": "a", "iqn": "b", "lun": 1}},
    {"awsElasticBlockStore": {"volumeID": "a"}},
    {},
)
ANNOTATIONS: dict[str, tuple[str, ...]] = {
    "container.apparmor.security.beta.kubernetes.io/a": ("runtime/default", "localhost/x", "unconfined", "", "other"),
    "seccomp.security.alpha.kubernetes.io/pod": ("unconfined", "runtime/default"),
    "example.test/note": ("unconfined",),
}
CAPABILITIES = ("ALL", "CHOWN", "NET_BIND_SERVICE", "NET_RAW", "SYS_ADMIN", "KILL", "all")
SYSCTLS = ("kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "kernel.msgmax", "net.core.somaxconn")


class Pods:
    """A source of pods; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret is made of it

    def pod(self) -> dict[str, Any]:
        """One pod."""
        kept = self._some
        spec = self._without_none(
            {
                "containers": [self._container(f"c{at}") for at in range(self._random.randint(1, 2))],
                "initContainers": kept(0.2, lambda: [self._container("init")]),
                "ephemeralContainers": kept(0.1, lambda: [self._container("debug")]),
                "hostNetwork": kept(0.1, self._flag),
                "hostPID": kept(0.1, self._flag),
                "hostIPC": kept(0.1, self._flag),
                "hostUsers": kept(0.2, self._flag),
                "os": kept(0.2, lambda: {"name": self._random.choice(("linux", "windows"))}),
                "volumes": kept(0.6, self._volumes),
                "securityContext": kept(0.8, self._pod_context),
            }
        )
        return {"metadata": self._without_none({"annotations": kept(0.3, self._annotations)}), "spec": spec}

    def _container(self, name: str) -> dict[str, Any]:
        kept = self._some
        return self._without_none(
            {
                "name": name,
                "securityContext": kept(0.85, self._container_context),
                "ports": kept(0.3, lambda: [{"containerPort": 80, "hostPort": self._random.choice((0, 0, 0, 8080))}]),
                "livenessProbe": kept(0.2, self._handler),
                "readinessProbe": kept(0.1, self._handler),
                "startupProbe": kept(0.1, self._handler),
                "lifecycle": kept(0.2, lambda: {self._random.choice(("postStart", "preStop")): self._handler()}),
            }
        )

    def _handler(self) -> dict[str, Any]:
        host = self._without_none({"port": 80, "host": self._some(0.5, lambda: self._random.choice(("", "10.0.0.1")))})
        return {self._random.choice(("httpGet", "tcpSocket")): host}

    def _shared_context(self) -> dict[str, Any]:
        kept = self._some
        return {
            "runAsNonRoot": kept(0.6, lambda: self._random.random() < 0.85),
            "runAsUser": kept(0.4, lambda: self._random.choice((0, 1000, 10001))),
            "seccompProfile": kept(0.6, lambda: {"type": self._profile()}),
            "appArmorProfile": kept(0.2, lambda: {"type": self._profile()}),
            "seLinuxOptions": kept(0.2, self._selinux),
            "windowsOptions": kept(0.1, lambda: self._without_none({"hostProcess": kept(0.7, self._flag)})),
        }

    def _pod_context(self) -> dict[str, Any]:
        names = self._some(0.2, lambda: [{"name": self._random.choice(SYSCTLS), "value": "1"}])
        return self._without_none({**self._shared_context(), "sysctls": names})

    def _container_context(self) -> dict[str, Any]:
        kept = self._some
        return self._without_none(
            {
                **self._shared_context(),
                "privileged": kept(0.2, self._flag),
                "allowPrivilegeEscalation": kept(0.8, lambda: self._random.random() < 0.2),
                "procMount": kept(0.2, lambda: self._random.choice(("Default", "Unmasked"))),
                "capabilities": kept(0.8, self._capabilities),
            }
        )

    def _capabilities(self) -> dict[str, Any]:
        dropped = self._some(0.9, lambda: [self._random.choice(("ALL", "ALL", "ALL", "KILL", "all"))])
        added = self._some(0.4, lambda: self._random.sample(CAPABILITIES[1:], self._random.randint(1, 2)))
        return self._without_none({"drop": dropped, "add": added})

    def _selinux(self) -> dict[str, Any]:
        kept = self._some
        types = ("", "container_t", "container_engine_t", "spc_t")
        return self._without_none(
            {
                "type": kept(0.7, lambda: self._random.choice(types)),
                "user": kept(0.2, lambda: self._random.choice(("", "system_u"))),
                "role": kept(0.2, lambda: self._random.choice(("", "sysadm_r"))),
            }
        )

    def _volumes(self) -> list[dict[str, Any]]:
        chosen = [self._random.choice(VOLUMES) for _ in range(self._random.randint(1, 2))]
        return [{"name": f"v{at}", **source} for at, source in enumerate(chosen)]

    def _annotations(self) -> dict[str, str]:
        key = self._random.choice(tuple(ANNOTATIONS))
        return {key: self._random.choice(ANNOTATIONS[key])}

    def _profile(self) -> str:
        return self._random.choices(PROFILES, (6, 2, 1))[0]

    def _flag(self) -> bool:
        return self._random.random() < 0.5

    def _some(self, share: float, make: Any) -> Any:
        return make() if self._random.random() < share else None

    @staticmethod
    def _without_none(values: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if value is not None}
