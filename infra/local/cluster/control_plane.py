"""etcd, API server, controller manager and scheduler: their credentials and command lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.cluster.addresses import Addresses
from infra.local.cluster.certificates import Authority, Pair, signing_key
from infra.local.cluster.encryption import ensure_config
from infra.local.cluster.kubeconfig import write_kubeconfig
from infra.local.cluster.layout import Layout
from infra.local.probes import http_serves
from infra.local.supervisord import Program

LOOPBACK = "127.0.0.1"
TOKEN_CACHE_S = 2
"""Seconds a webhook's answer about a token is believed: about as long as a right that was taken away still works."""


@dataclass(frozen=True)
class Credentials:
    """Everything the control plane proves itself with."""

    authority: Authority
    etcd_authority: Authority
    etcd: Pair
    etcd_client: Pair
    apiserver: Pair
    kubelet_client: Pair
    loopback: Pair
    service_accounts: Pair
    encryption: Path
    """How Secrets are encrypted in etcd, the key inside."""


def make_credentials(layout: Layout, addresses: Addresses) -> Credentials:
    """Make what is missing. etcd has an authority of its own: no client of the cluster may talk to it."""
    authority = Authority(layout.certificates / "cluster", "moltghost-cluster")
    etcd = Authority(layout.certificates / "etcd", "moltghost-etcd")
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    hosts = (LOOPBACK, str(addresses.host), str(addresses.services[1]), *names)
    return Credentials(
        authority=authority,
        etcd_authority=etcd,
        etcd=etcd.server("etcd", (LOOPBACK, "localhost")),
        etcd_client=etcd.client("kube-apiserver"),
        apiserver=authority.server("kube-apiserver", hosts),
        kubelet_client=authority.client("kube-apiserver-kubelet-client"),
        loopback=authority.server("loopback", (LOOPBACK, "localhost")),
        service_accounts=signing_key(layout.certificates / "service-accounts.key"),
        encryption=ensure_config(layout.certificates / "encryption.yaml"),
    )


@dataclass(frozen=True)
class ControlPlane:
    """Builds the four programs. `host` is the address the API server is bound to."""

    tools: Mapping[str, Path]
    layout: Layout
    addresses: Addresses
    credentials: Credentials
    host: str

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.host}:{self.addresses.apiserver}"

    def kubeconfig(self, name: str, *groups: str, path: Path | None = None) -> Path:
        """The kubeconfig of one client, made with its certificate."""
        client = self.credentials.authority.client(name, *groups)
        target = path or self.layout.client_kubeconfig(name.replace(":", "-"))
        return write_kubeconfig(target, self.server, self.credentials.authority.pair.certificate, client)

    def etcd(self) -> Program:
        """The store. Without fsync: the state must outlive a killed process, not a power cut."""
        client, peer = (f"https://{LOOPBACK}:{port}" for port in (self.addresses.etcd_client, self.addresses.etcd_peer))
        pair, authority = self.credentials.etcd, self.credentials.etcd_authority.pair.certificate
        user = self.credentials.etcd_client
        return self._program(
            "etcd",
            {
                "name": "default",
                "data-dir": self.layout.etcd,
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"default={peer}",
                "cert-file": pair.certificate,
                "key-file": pair.key,
                "client-cert-auth": "true",
                "trusted-ca-file": authority,
                "peer-cert-file": pair.certificate,
                "peer-key-file": pair.key,
                "peer-client-cert-auth": "true",
                "peer-trusted-ca-file": authority,
                "unsafe-no-fsync": "true",
                "log-level": "warn",
            },
            f"{client}/health",
            (authority, (user.certificate, user.key)),
            (pair.certificate,),
        )

    def apiserver(self, admin: Pair, *, advertise: bool, token_webhook: Path | None = None) -> Program:
        """The API server; `advertise` publishes its address as the `kubernetes` service, for pods to find.

        `token_webhook` is of a hosted cluster: the kubeconfig of who is asked whose a token is that the API server
        doesn't know. Such a cluster lets pods be privileged, as EKS's do: refusing them is left to Pod Security.
        """
        own, loop = self.credentials, self.credentials.service_accounts
        flags: dict[str, object] = {
            "etcd-servers": f"https://{LOOPBACK}:{self.addresses.etcd_client}",
            "etcd-cafile": own.etcd_authority.pair.certificate,
            "etcd-certfile": own.etcd_client.certificate,
            "etcd-keyfile": own.etcd_client.key,
            "bind-address": self.host,
            "secure-port": self.addresses.apiserver,
            "tls-cert-file": own.apiserver.certificate,
            "tls-private-key-file": own.apiserver.key,
            "client-ca-file": own.authority.pair.certificate,
            "encryption-provider-config": own.encryption,
            "anonymous-auth": "false",
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "service-cluster-ip-range": self.addresses.services,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": loop.certificate,
            "service-account-signing-key-file": loop.key,
            "kubelet-certificate-authority": own.authority.pair.certificate,
            "kubelet-client-certificate": own.kubelet_client.certificate,
            "kubelet-client-key": own.kubelet_client.key,
            "kubelet-preferred-address-types": "InternalIP",
            "profiling": "false",
        }
        flags |= {"advertise-address": self.host} if advertise else {"endpoint-reconciler-type": "none"}
        files: tuple[Path, ...] = (own.apiserver.certificate, own.encryption)
        if token_webhook is not None:
            flags |= {
                "allow-privileged": "true",
                "authentication-token-webhook-config-file": token_webhook,
                "authentication-token-webhook-version": "v1",
                "authentication-token-webhook-cache-ttl": f"{TOKEN_CACHE_S}s",
            }
            files = (*files, token_webhook)
        trust = (own.authority.pair.certificate, (admin.certificate, admin.key))
        return self._program("kube-apiserver", flags, f"{self.server}/readyz", trust, files)

    def controller_manager(self) -> Program:
        """The controllers of the control plane."""
        flags = {
            "service-account-private-key-file": self.credentials.service_accounts.key,
            "root-ca-file": self.credentials.authority.pair.certificate,
            "use-service-account-credentials": "true",
        }
        return self._controller("kube-controller-manager", self.addresses.controller_manager, flags)

    def scheduler(self) -> Program:
        """The scheduler."""
        return self._controller("kube-scheduler", self.addresses.scheduler, {})

    def _controller(self, name: str, port: int, flags: Mapping[str, object]) -> Program:
        kubeconfig = self.kubeconfig(f"system:{name}")
        common = {
            "kubeconfig": kubeconfig,
            "bind-address": LOOPBACK,
            "secure-port": port,
            "tls-cert-file": self.credentials.loopback.certificate,
            "tls-private-key-file": self.credentials.loopback.key,
            "leader-elect": "false",
            "profiling": "false",
        }
        trust = (self.credentials.authority.pair.certificate, None)
        return self._program(name, {**common, **flags}, f"https://{LOOPBACK}:{port}/healthz", trust, (kubeconfig,))

    def _program(
        self,
        name: str,
        flags: Mapping[str, object],
        health: str,
        trust: tuple[Path, tuple[Path, Path] | None],
        files: tuple[Path, ...],
    ) -> Program:
        argv = [str(self.tools[name]), *(f"--{flag}={value}" for flag, value in flags.items())]
        ready = http_serves(health, *trust)
        # The API server would wait for its watchers for a minute; etcd has all it answered for.
        return Program(name, argv, files=files, ready=ready, deadline_s=60, stop_s=2, address=health.rpartition("/")[0])
