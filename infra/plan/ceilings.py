"""Rules about amounts: agents under their tenant's quota, tenants under their region."""

from collections import Counter
from collections.abc import Callable, Iterator

from infra.plan.tenants import each_tenant
from infra.settings.kinds import RegionSettings, Tenanted
from infra.settings.models import Agent, DevSettings, Tenant
from infra.settings.problems import Problem

# A quota's field, and the field of an agent that counts against it: None where each agent counts as one.
_COUNTED: dict[str, tuple[str | None, str]] = {
    "agents": (None, "agents"),
    "gpus": (None, "GPUs"),
    "cpu": ("cpu", "CPU cores"),
    "memory_gib": ("memory_gib", "GiB of memory"),
    "volumes_gb": ("volume_gb", "GB of volumes"),
}


def gpu_classes_are_offered(settings: DevSettings) -> Iterator[Problem]:
    """Agents ask for GPUs the region has, and for no more of a class than there are."""
    offered = settings.region.gpu_classes
    region = "moltghost:region.gpu_classes"
    asked: Counter[str] = Counter()
    for where, tenant in each_tenant(settings):
        for each, agent in enumerate(tenant.agents):
            path = f"{where}.agents[{each}].gpu_class"
            asked[agent.gpu_class] += 1
            if agent.gpu_class not in offered:
                message = f"is not offered in region {settings.region.name}"
                remedy = f"Choose one of {', '.join(sorted(offered))}, or add it to the region's gpu_classes"
                yield Problem(path, message, remedy, agent.gpu_class, (region,))
            elif asked[agent.gpu_class] == offered[agent.gpu_class].count + 1:
                count = offered[agent.gpu_class].count
                message = f"is one more than the {count} GPUs of this class the region has"
                yield Problem(path, message, "Choose another class, or drop an agent", agent.gpu_class, (region,))


def quotas_hold_their_agents(settings: Tenanted) -> Iterator[Problem]:
    """A tenant's quota covers what its agents ask for together."""
    for where, tenant in each_tenant(settings):
        for limit, (amount, unit) in _COUNTED.items():
            total = _total(tenant, _amount(amount))
            ceiling = getattr(tenant.quota, limit)
            if total > ceiling:
                path = f"{where}.quota.{limit}"
                message = f"is below the {total:g} {unit} the tenant's agents ask for"
                involved = tuple(
                    f"{where}.agents[{each}]" + (f".{amount}" if amount else "") for each in range(len(tenant.agents))
                )
                yield Problem(path, message, f"Raise it to {total:g} at least, or ask for less", ceiling, involved)


def _amount(field: str | None) -> Callable[[Agent], float]:
    return (lambda agent: float(getattr(agent, field))) if field else (lambda _: 1.0)


def _total(tenant: Tenant, amount: Callable[[Agent], float]) -> float:
    # To a thousandth, what Kubernetes counts in: three agents of 0.1 cores are 0.3.
    return round(sum(amount(agent) for agent in tenant.agents), 3)


def quotas_fit_the_region(settings: DevSettings) -> Iterator[Problem]:
    """No tenant is promised more GPUs than the region has, and neither are all of them together."""
    there = sum(offered.count for offered in settings.region.gpu_classes.values())
    promised = sum(tenant.quota.gpus for tenant in settings.tenants)
    if promised > there:
        message = f"brings the GPUs promised to tenants to {promised}; the region has {there}"
        last = len(settings.tenants) - 1
        path = f"moltghost:tenants[{last}].quota.gpus"
        involved = ("moltghost:region.gpu_classes", *(f"moltghost:tenants[{at}].quota.gpus" for at in range(last)))
        value = settings.tenants[last].quota.gpus
        yield Problem(path, message, "Lower quotas, or add GPUs to the region", value, involved)


def locked_snapshots_stay(settings: DevSettings | RegionSettings) -> Iterator[Problem]:
    """A stack can't take along snapshots that nobody can delete."""
    backup = settings.region.backup
    if backup.delete_with_stack and backup.lock_days is not None:
        path, lock = "moltghost:region.backup.delete_with_stack", "moltghost:region.backup.lock_days"
        message = f"cannot be kept: snapshots are locked for {backup.lock_days} days"
        yield Problem(path, message, "Take one of the two out", True, (lock,))
