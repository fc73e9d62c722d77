"""The Debian packages the local node and its image builds need: what is missing, and how it is put in place."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.cache import Progress
from infra.local.go_build import ToolError

IMAGES = ("buildah", "ca-certificates", "mmdebstrap")
NODE = (
    "conntrack",
    "containernetworking-plugins",
    "e2fsprogs",
    "ipset",
    "iptables",
    "iproute2",
    "kmod",
    "mount",
    "nftables",
    "runc",
    "util-linux",
)
"""What makes pods run: what containerd runs, its network plugins, what kubelet and kube-router call, and
file systems for volumes."""
TESTS = ("bird2", "iperf3", "prometheus", "wireguard-go", "wireguard-tools")
"""What only tests and the bench run: promtool, the judge of what `/metrics` says; a mesh of gateways in namespaces."""

POLICY = Path("/usr/sbin/policy-rc.d")
NO_SERVICES = "#!/bin/sh\n# Refuses to start services while packages are installed for a local region.\nexit 101\n"


def missing_packages(names: Iterable[str]) -> list[str]:
    """Those of `names` that are not installed, sorted; all of them where there is no dpkg."""
    wanted = set(names)
    if shutil.which("dpkg-query") is None:
        return sorted(wanted)
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *sorted(wanted)]
    listed = subprocess.run(query, capture_output=True, text=True, check=False).stdout  # fails when one is unknown
    return sorted(wanted - {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")})


def can_install() -> bool:
    """Whether this user may install packages here: root, on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure_packages(names: Iterable[str], progress: Progress) -> None:
    """Install what is missing of `names`, starting no service; ToolError names what is missing when that cannot be."""
    missing = missing_packages(names)
    if not missing:
        return
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if not can_install():
        raise ToolError(f"Debian packages are missing: {', '.join(missing)}. As root, on Debian or Ubuntu: {command}")
    progress(f"installing Debian packages: {', '.join(missing)}")
    with services_stay_down(POLICY):
        if _apt("install", "--yes", "--no-install-recommends", *missing).returncode != 0:
            _apt("update")  # the lists may be absent, or too old to name files that still exist
            done = _apt("install", "--yes", "--no-install-recommends", *missing)
            if done.returncode != 0:
                raise ToolError(f"{command} failed (exit status {done.returncode}): {_tail(done)}")
    if still := missing_packages(missing):
        raise ToolError(f"apt-get reported success, but these are not installed: {', '.join(still)}")


@contextmanager
def services_stay_down(policy: Path) -> Iterator[None]:
    """Keep packages from starting their services meanwhile, as the region starts its own. A policy there is kept."""
    ours = not policy.exists()
    if ours:
        policy.write_text(NO_SERVICES)
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    # Another package manager may hold the lock for a while; five minutes is longer than most of its work.
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return "\n".join(lines[-8:])
