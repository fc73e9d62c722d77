"""In which order a cluster and its pools are upgraded, and which steps are refused.

Kubernetes: the control plane goes first, one minor version at a time; a kubelet is never newer, and at most three
minor versions older. https://kubernetes.io/releases/version-skew-policy/
EKS: https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.cluster.pools_spec import PoolSpec, Purpose

MAX_SKEW = 3
"""Minor versions a kubelet may be older than the API server."""

_ORDER: tuple[Purpose, ...] = ("system", "memory", "gpu")


class UpgradeError(ValueError):
    """An upgrade Kubernetes or EKS doesn't allow; the message says which step and what to do instead."""


def minor_of(version: str) -> int:
    """The minor version of `1.36` or `1.36.2-20260728`. Raises UpgradeError for anything else."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if major != "1" or not minor.isdecimal():
        raise UpgradeError(f"{version!r} is no Kubernetes version: write it as 1.36")
    return int(minor)


def require_step(current: str | None, wanted: str) -> str:
    """The wanted version of a control plane; `current` is None for a new one.

    Raises UpgradeError for a step over a minor version, or back.
    """
    if current is None:
        return wanted
    now, then = minor_of(current), minor_of(wanted)
    if then < now:
        raise UpgradeError(f"the cluster runs {current} and can't go back to {wanted}: leave version at {current}")
    if then > now + 1:
        raise UpgradeError(f"the cluster runs {current}; {wanted} skips 1.{now + 1}: set version to 1.{now + 1} first")
    return wanted


def skew_problem(cluster: str, pool: str) -> str | None:
    """What is wrong with a pool of this version in a cluster of that one; None if nothing is."""
    ahead, behind = minor_of(pool) > minor_of(cluster), minor_of(cluster) - minor_of(pool)
    if ahead:
        return f"{pool} is newer than the cluster's {cluster}: upgrade the cluster first"
    if behind > MAX_SKEW:
        return f"{pool} is {behind} minor versions behind the cluster's {cluster}, and {MAX_SKEW} at most are allowed"
    return None


def require_skew(cluster: str, pools: Iterable[PoolSpec]) -> None:
    """Raises UpgradeError with every pool whose version the cluster's doesn't allow, or whose AMI is of another one."""
    wrong = []
    for pool in pools:
        problem = skew_problem(cluster, pool.version)
        if problem:
            wrong.append(f"pool {pool.name}: version {problem}")
        if minor_of(pool.release) != minor_of(pool.version):
            wrong.append(f"pool {pool.name}: release {pool.release} is no AMI of {pool.version}")
    if wrong:
        raise UpgradeError("; ".join(wrong))


def wave_order(pools: Iterable[PoolSpec]) -> list[PoolSpec]:
    """Pools in the order they are changed, one after the other: agents' nodes last, a customer's own very last."""
    return sorted(pools, key=lambda pool: (_ORDER.index(pool.purpose), pool.tenant is not None, pool.name))


@dataclass(frozen=True)
class Wave:
    """One step of an upgrade: the control plane (`pool` is None) or one pool, to a version."""

    pool: str | None
    version: str


def plan_waves(cluster: str, pools: Mapping[str, str], order: Sequence[str], target: str) -> list[Wave]:
    """The steps from the versions that run now to `target`, each one allowed when it comes.

    The control plane climbs as far as its oldest pool lets it; then every pool follows, in `order`. Raises UpgradeError
    for a target below what runs, or pools that are out of bounds already.
    """
    if minor_of(target) < minor_of(cluster):
        raise UpgradeError(f"the cluster runs {cluster} and can't go back to {target}")
    for name, version in pools.items():
        problem = skew_problem(cluster, version)
        if problem:
            raise UpgradeError(f"pool {name}: version {problem}")
    waves: list[Wave] = []
    at, nodes = minor_of(cluster), {name: minor_of(version) for name, version in pools.items()}
    while at < minor_of(target) or any(minor < at for minor in nodes.values()):
        if at < minor_of(target) and all(at + 1 - minor <= MAX_SKEW for minor in nodes.values()):
            at += 1
            waves.append(Wave(None, f"1.{at}"))
            continue
        for name in order:
            if nodes[name] < at:
                nodes[name] = at
                waves.append(Wave(name, f"1.{at}"))
    return waves
