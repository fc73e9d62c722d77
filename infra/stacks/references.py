"""Other stacks, asked for what they export."""

from typing import Any

import pulumi


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
        return found

    async def secret(self, name: str) -> pulumi.Output[str]:
        """A secret output, which stays one. Raises pulumi.RunError if the stack has none of this name."""
        found = (await self._reference.get_output_details(name)).secret_value
        if found is None:
            raise pulumi.RunError(f"{self.stack} exports no secret {name}: deploy it with `pulumi up` first")
        return pulumi.Output.secret(found)
