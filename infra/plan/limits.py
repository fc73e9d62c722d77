"""Rules about how much may be asked for."""

from collections.abc import Iterator

from infra.settings.limits import KeyLimits, Limits
from infra.settings.models import Settings
from infra.settings.problems import Problem

_SHARED = ("per_minute", "burst", "streams")
"""What a key can have a limit of its own of."""


def bursts_fit_their_minute(settings: Settings) -> Iterator[Problem]:
    """No second may have more requests than the minute it lies in."""
    for at, tenant in enumerate(settings.tenants):
        yield from _burst_fits(f"moltghost:tenants[{at}].limits", tenant.limits.burst, tenant.limits.per_minute)
    for path, own, tenants, _ in _keys(settings):
        if own.burst is not None:
            yield from _burst_fits(path, own.burst, own.per_minute or tenants.per_minute)


def spending_has_a_price(settings: Settings) -> Iterator[Problem]:
    """Money is spent on tokens that cost something."""
    for at, tenant in enumerate(settings.tenants):
        limits, path = tenant.limits, f"moltghost:tenants[{at}].limits"
        if limits.spend_month is not None and not (limits.price_in or limits.price_out):
            prices = (f"{path}.price_in", f"{path}.price_out")
            remedy = "Give price_in or price_out, the prices of a million tokens, or take it out"
            yield Problem(f"{path}.spend_month", "is never reached: no token costs", remedy, limits.spend_month, prices)


def keys_stay_below_their_tenants(settings: Settings) -> Iterator[Problem]:
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


def _keys(settings: Settings) -> Iterator[tuple[str, KeyLimits, Limits, str]]:
    """Every key with limits of its own: their path, themselves, its tenant's, and their path."""
    for at, tenant in enumerate(settings.tenants):
        for each, key in enumerate(tenant.api_keys):
            if key.limits is not None:
                path = f"moltghost:tenants[{at}]"
                yield f"{path}.api_keys[{each}].limits", key.limits, tenant.limits, f"{path}.limits"
