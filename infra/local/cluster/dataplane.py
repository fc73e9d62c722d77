"""kube-router enforces NetworkPolicy on the node, kube-proxy makes Services reachable there."""

from pathlib import Path

import yaml

from infra.local.cluster import netns
from infra.local.cluster.addresses import Addresses
from infra.local.files import write_changed
from infra.local.probes import http_serves
from infra.local.supervisord import Program

ROUTER_HEALTH_PORT = 20244
PROXY_HEALTH_PORT = 10256


def kube_router(binary: Path, addresses: Addresses, kubeconfig: Path) -> Program:
    """Only its firewall: pods are routed by CNI, Services by kube-proxy."""
    argv = [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={addresses.node_name}",
        "--run-router=false",
        "--run-service-proxy=false",
        "--run-firewall=true",
        "--enable-ipv6=false",
        f"--service-cluster-ip-range={addresses.services}",
        f"--health-port={ROUTER_HEALTH_PORT}",
    ]
    health = f"http://{addresses.node}:{ROUTER_HEALTH_PORT}/healthz"
    return Program(
        "kube-router",
        netns.enter(addresses.node_netns, argv),
        files=[kubeconfig],
        ready=http_serves(health),
        deadline_s=60,
        address=health,
    )


def kube_proxy(binary: Path, folder: Path, addresses: Addresses, kubeconfig: Path) -> Program:
    """In nftables mode, beside kube-router's tables."""
    health = f"{addresses.node}:{PROXY_HEALTH_PORT}"
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": addresses.node_name,
        "clusterCIDR": str(addresses.pods),
        "healthzBindAddress": health,
        "metricsBindAddress": f"{addresses.node}:10249",
        "conntrack": {"maxPerCore": 0, "min": 0},  # the limit belongs to the host
    }
    config = write_changed(folder / "kube-proxy.yaml", yaml.safe_dump(settings, sort_keys=False))
    return Program(
        "kube-proxy",
        netns.enter(addresses.node_netns, [str(binary), f"--config={config}"]),
        files=[config, kubeconfig],
        ready=http_serves(f"http://{health}/healthz"),
        deadline_s=60,
        address=f"http://{health}",
    )
