"""What a stand-in can honour: an input it would ignore is an error, never a silent difference from the real service."""

from collections.abc import Sequence

from infra.local.providers.base import Call, Failure, InvalidInputsError
from infra.local.providers.properties import Properties


def require_inputs(call: Call, inputs: Properties, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Refuse inputs a kind lacks or can't honour. Raises `InvalidInputsError` naming each, and the kind."""
    failures = [Failure((name,), f"must be given for {call.type}") for name in required if inputs.get(name) is None]
    package = call.type.partition(":")[0]
    known = ", ".join((*required, *optional))
    for name, value in inputs.items():
        if name not in (*required, *optional) and value is not None:
            reason = f"is not supported by the local {package} provider; of {call.type} it knows {known}"
            failures.append(Failure((name,), reason))
    if failures:
        raise InvalidInputsError(failures)
