"""Rules about how much may be asked for."""

from collections.abc import Iterator

from infra.plan.tenants import each_tenant
from infra.settings.kinds import Tenanted
from infra.settings.limits import KeyLimits, Limits
from infra.settings.problems import Problem

_SHARED = ("per_minute", "burst", "streams")
"""What a key can have a limit of its own of."""


def bursts_fit_their_minute(settings: Tenanted) -> Iterator[Problem]:
    """No second may have more requests than the minute it lies in."""
    for where, tenant in each_tenant(settings):
        yield from _burst_fits(f"{where}.limits", tenant.limits.burst, tenant.limits.per_minute)
    for path, own, tenants, _ in _keys(settings):
        if own.burst is not None:
            yield from _burst_fits(path, own.burst, own.per_minute or tenants.per_minute)


def spending_has_a_price(settings: Tenanted) -> Iterator[Problem]:
    """Money is spent on tokens that cost something."""
    for where, tenant in each_tenant(settings):
        limits, path = tenant.limits, f"{where}.limits"
        if limits.spend_month is not None and not (limits.price_in or limits.price_out):
            prices = (f"{path}.price_in", f"{path}.price_out")
            remedy = "Give price_in or price_out, the prices of a million tokens, or take it out"
            yield Problem(f"{path}.spend_month", "is never reached: no token costs", remedy, limits.spend_month, prices)


def keys_stay_below_their_tenants(settings: Tenanted) -> Iterator[Problem]:
    """A key is promised no more than its tenant has."""
    for path, own, tenants, above in _keys(settings):
        for name in _SHARED:
            value, most = getattr(own, name), getattr(tenants, name)
            if value is not None and value > most:
                message = f"is above the tenant's own {most}"
                remedy = f"Lower it to {most} at most, or raise {above}.{name}"
                yield Problem(f"{path}.{name}", message, remedy, value, (f"{above}.{name}",))


def _burst_fits(path: str, burst: int, per_minute: int) -> Iterator[Problem]:
    if burst > per_minute:
        message = f"is above the {per_minute} requests of a whole minute"
        remedy = f"Give {per_minute} at most"
        yield Problem(f"{path}.burst", message, remedy, burst, (f"{path}.per_minute",))


def _keys(settings: Tenanted) -> Iterator[tuple[str, KeyLimits, Limits, str]]:
    """Every key with limits of its own: their path, themselves, its tenant's, and their path."""
    for where, tenant in each_tenant(settings):
        for each, key in enumerate(tenant.api_keys):
            if key.limits is not None:
                yield f"{where}.api_keys[{each}].limits", key.limits, tenant.limits, f"{where}.limits"
