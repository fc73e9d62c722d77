"""Other stacks, asked for what they export; and this one, for what it exported last."""

from typing import Any

import pulumi

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""A question the engine itself answers: what a stack exported when it was last deployed."""


class Reference:
    """Another stack. What it exports is read while the program runs, so that plain values can go into specs."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self._reference = pulumi.StackReference(stack)

    async def value(self, name: str) -> Any:
        """A plain output. Raises pulumi.RunError if the stack has none of this name."""
        found = (await self._reference.get_output_details(name)).value
        if found is None:
            raise pulumi.RunError(f"{self.stack} exports no {name}: deploy it with `pulumi up` first")
        return _whole(found)

    async def find(self, name: str) -> Any:
        """A plain output; None where the stack has none of this name."""
        found = (await self._reference.get_output_details(name)).value
        return None if found is None else _whole(found)

    async def secret(self, name: str) -> pulumi.Output[str]:
        """A secret output, which stays one. Raises pulumi.RunError if the stack has none of this name."""
        found = (await self._reference.get_output_details(name)).secret_value
        if found is None:
            raise pulumi.RunError(f"{self.stack} exports no secret {name}: deploy it with `pulumi up` first")
        return pulumi.Output.secret(found)


async def last_output(name: str) -> Any:
    """A plain output of this very stack as its last update left it; None where it has none of this name.

    Asked for without a StackReference: that would be a resource with all outputs of the time before, and after each
    update that changes one the next preview would show it as read anew.
    """
    own = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    told = await pulumi.runtime.invoke_async(READ_OUTPUTS, {"name": own})
    found = (told.get("outputs") or {}).get(name)
    return None if found is None else _whole(found)


def _whole(value: Any) -> Any:
    """A value with its whole numbers as such: on the wire there are only floats."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
