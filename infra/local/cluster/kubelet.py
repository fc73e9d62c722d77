"""The kubelet: the node object it finds, its configuration and command line."""

from pathlib import Path
from typing import Any

import yaml

from infra.local.cluster import netns
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.certificates import Pair
from infra.local.cluster.containerd import SOCKET
from infra.local.files import write_changed
from infra.local.probes import http_serves
from infra.local.supervisord import Program
from runtime.contract import labels

GPU_RESOURCE = "nvidia.com/gpu"
GPUS = 8
GPU_CLASS = "l40s"
HEALTH_PORT = 10248
POD_PIDS = 512
"""Processes and threads one pod may have. An agent has about 60 on two cores, and a few more for each further core."""
RESOLV_CONF = "options timeout:1 attempts:1\n"
"""Without a name server, since the region has no DNS. Not empty: pods would get the host's file instead."""


def build_node(addresses: Addresses) -> dict[str, Any]:
    """The Node, made before the kubelet registers: kube-router needs `podCIDR` from the start."""
    pods = str(addresses.pods)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": addresses.node_name,
            "labels": {labels.GPU_CLASS: GPU_CLASS, "kubernetes.io/hostname": addresses.node_name},
        },
        "spec": {"podCIDR": pods, "podCIDRs": [pods]},
    }


def build_status(addresses: Addresses) -> dict[str, Any]:
    """The node's addresses, before the kubelet reports them: kube-router does not start without."""
    own = [
        {"type": "InternalIP", "address": str(addresses.node)},
        {"type": "Hostname", "address": addresses.node_name},
    ]
    return {"status": {"addresses": own}}


def build_config(addresses: Addresses, authority: Path, serving: Pair, folder: Path, pod_logs: Path) -> dict[str, Any]:
    """KubeletConfiguration; paths are those inside the enclosure."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(addresses.node),
        "port": addresses.kubelet,
        "healthzBindAddress": str(addresses.node),
        "healthzPort": HEALTH_PORT,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{addresses.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "podLogsDir": str(pod_logs),
        "volumePluginDir": "/var/lib/kubelet/plugins/exec",
        "resolvConf": str(folder / "resolv.conf"),
        "seccompDefault": True,
        "podPidsLimit": POD_PIDS,
        # Images came from archives; once collected they could not be had again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "nodeStatusReportFrequency": "30s",
        "syncFrequency": "30s",
        "logging": {"verbosity": 1},
    }


def build_program(
    kubelet: Path, folder: Path, addresses: Addresses, kubeconfig: Path, config: dict[str, Any]
) -> Program:
    """Write the configuration under `folder` and build the program."""
    write_changed(folder / "resolv.conf", RESOLV_CONF)
    path = write_changed(folder / "kubelet.yaml", yaml.safe_dump(config, sort_keys=False))
    argv = [
        str(kubelet),
        f"--config={path}",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={addresses.node_name}",
        f"--node-ip={addresses.node}",
    ]
    health = f"http://{addresses.node}:{HEALTH_PORT}/healthz"
    return Program(
        "kubelet",
        netns.enter(addresses.node_netns, argv),
        files=[path, kubeconfig],
        ready=http_serves(health),
        deadline_s=60,
        address=f"https://{addresses.node}:{addresses.kubelet}",
    )
