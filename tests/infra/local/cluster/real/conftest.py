"""One real cluster for all tests of this folder, on a slot of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cache import cache_root
from infra.local.machine import Machine, MachineInfo
from infra.local.packages import ensure_packages
from infra.local.tools import Tools
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive, busybox_image, files_image
from tests.infra.local.cluster.real.pods import NAMESPACE, addresses, build_claim, build_pod, storage_class

SLOT = 7


@pytest.fixture(scope="package")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("a real node needs root")
    machine = Machine(tmp_path_factory.mktemp("machine") / "state", SLOT, "real")
    yield machine
    machine.down()


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    ensure_packages(["busybox-static"], print)
    folder = tmp_path_factory.mktemp("images")
    running = {name: busybox_image(folder, name) for name in ("pause", "probe")}
    return running | {"weights": files_image(folder, "weights", {"blobs/sha256-1": b"weights"})}


@pytest.fixture(scope="package")
def tools(machine: Machine) -> dict[str, Path]:
    machine.ensure_packages(print)
    return Tools(cache_root()).ensure([*machine.tools, "kubectl"], print)


@pytest.fixture(scope="package")
def info(machine: Machine, tools: dict[str, Path], images: dict[str, Archive]) -> MachineInfo:
    return machine.up(tools, images, print)


@pytest.fixture(scope="package")
def kubectl(info: MachineInfo, tools: dict[str, Path]) -> Kubectl:
    return Kubectl(tools["kubectl"], info.kubeconfig)


@pytest.fixture(scope="package")
def pods(kubectl: Kubectl, images: dict[str, Archive]) -> dict[str, str]:
    """Two running pods under Pod Security `restricted`; their addresses by name."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
        storage_class(),
    )
    kubectl("-n", NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    kubectl.apply(build_claim(), *(build_pod(name, images["probe"].reference) for name in ("one", "two")))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/one", "pod/two", "--timeout=90s")
    return addresses(kubectl)
