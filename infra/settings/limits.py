"""How much a tenant and a key may ask for."""

from typing import Annotated

from pydantic import Field

from infra.settings.fields import Section, Setting
from runtime.contract import rates

_PER_MINUTE = f"Requests in any 60 seconds, {rates.MIN_PER_MINUTE} to {rates.MAX_PER_MINUTE}"
_BURST = f"Requests in any second, 1 to {rates.MAX_PER_MINUTE}, at most as many as in a minute"
_STREAMS = f"Streams at once, 1 to {rates.MAX_PER_MINUTE}"
_PRICE = "in the money of `spend_month`; zero or more"

_LEAST = 0.000001
"""Money: the edge counts in millionths."""

_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_PerMinute = Annotated[int, Field(ge=rates.MIN_PER_MINUTE, le=rates.MAX_PER_MINUTE)]
_Some = Annotated[int, Field(ge=1, le=rates.MAX_PER_MINUTE)]


class KeyLimits(Section):
    """What one key may ask for; what is left out is its tenant's."""

    per_minute: Annotated[_PerMinute | None, Setting(None, _PER_MINUTE)] = None
    burst: Annotated[_Some | None, Setting(None, _BURST)] = None
    streams: Annotated[_Some | None, Setting(None, _STREAMS)] = None


class Limits(Section):
    """What a tenant may ask for, with all its keys."""

    per_minute: Annotated[_PerMinute, Setting(rates.PER_MINUTE, _PER_MINUTE)] = rates.PER_MINUTE
    burst: Annotated[_Some, Setting(rates.BURST, _BURST)] = rates.BURST
    streams: Annotated[_Some, Setting(rates.STREAMS, _STREAMS)] = rates.STREAMS
    tokens_month: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Setting(None, "Tokens read and made in a calendar month (UTC), one at least; leave it out for no end"),
    ] = None
    spend_month: Annotated[
        Annotated[float, Field(ge=_LEAST, allow_inf_nan=False)] | None,
        Setting(None, "Money a calendar month (UTC) may cost, a millionth at least; leave it out for no end"),
    ] = None
    price_in: Annotated[_Price, Setting(0, f"Price of a million tokens read, {_PRICE}")] = 0
    price_out: Annotated[_Price, Setting(0, f"Price of a million tokens made, {_PRICE}")] = 0
