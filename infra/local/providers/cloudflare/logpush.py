"""Logpush jobs, of a zone or of an account."""

from collections.abc import Callable

from infra.local.providers.base import Call, Failure, InvalidInputsError, Kind, Live
from infra.local.providers.cloudflare.api import Api
from infra.local.providers.cloudflare.records import ACCOUNT_LOGPUSH_JOBS, ZONE_LOGPUSH_JOBS, RecordKind
from infra.local.providers.properties import Properties

_OWNERS = ("zoneId", "accountId")


class LogpushJob(Kind):
    """`cloudflare:index/logpushJob:LogpushJob`; its owner is a zone or an account, never both."""

    computed = ZONE_LOGPUSH_JOBS.computed
    replace_on = (*_OWNERS, *ZONE_LOGPUSH_JOBS.fixed)

    def __init__(self, api: Callable[[], Api]) -> None:
        self._of_zone = RecordKind(api, ZONE_LOGPUSH_JOBS)
        self._of_account = RecordKind(api, ACCOUNT_LOGPUSH_JOBS)

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        if all(inputs.get(owner) is not None for owner in _OWNERS):
            raise InvalidInputsError([Failure(("accountId",), "a job is a zone's or an account's: give one")])
        return self._kind(inputs).check(call, inputs, old_inputs)

    def create(self, call: Call, inputs: Properties) -> Live:
        return self._kind(inputs).create(call, inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        return self._kind(inputs or state).read(call, state, inputs)

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        return self._kind(inputs).update(call, state, old_inputs, inputs)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        self._kind(inputs or state).delete(call, state, inputs)

    def _kind(self, inputs: Properties) -> RecordKind:
        return self._of_account if inputs.get("accountId") is not None else self._of_zone
