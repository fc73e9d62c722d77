"""How much a tenant and a key may ask for at the edge."""

from typing import Any

from pydantic import Field

from components.values import Values
from runtime.contract import rates

_MILLION = 1_000_000


class KeyLimitsSpec(Values):
    """Limits of one key's own; what is None is its tenant's. `per_minute` requests in any 60 s, `burst` in any second,
    `streams` at once."""

    per_minute: int | None = Field(default=None, ge=rates.MIN_PER_MINUTE, le=rates.MAX_PER_MINUTE)
    burst: int | None = Field(default=None, ge=1, le=rates.MAX_PER_MINUTE)
    streams: int | None = Field(default=None, ge=1, le=rates.MAX_PER_MINUTE)

    def record(self) -> dict[str, Any]:
        """What of it stands in the key's record."""
        return self.model_dump(exclude_none=True)


class LimitsSpec(Values):
    """Limits of a tenant: those a key can have, and of each calendar month (UTC) `tokens_month` tokens and
    `spend_month` of money, None for no end. `price_in` and `price_out` are prices of a million tokens read and made."""

    per_minute: int = Field(default=rates.PER_MINUTE, ge=rates.MIN_PER_MINUTE, le=rates.MAX_PER_MINUTE)
    burst: int = Field(default=rates.BURST, ge=1, le=rates.MAX_PER_MINUTE)
    streams: int = Field(default=rates.STREAMS, ge=1, le=rates.MAX_PER_MINUTE)
    tokens_month: int | None = Field(default=None, ge=1)
    spend_month: float | None = Field(default=None, ge=1 / _MILLION, allow_inf_nan=False)
    price_in: float = Field(default=0, ge=0, allow_inf_nan=False)
    price_out: float = Field(default=0, ge=0, allow_inf_nan=False)

    def record(self) -> dict[str, Any]:
        """What stands in the tenant's record: money in millionths, so that a token's price is a million tokens' own."""
        record = self.model_dump(exclude_none=True)
        if self.spend_month is not None:
            record["spend_month"] = round(self.spend_month * _MILLION)
        return record
