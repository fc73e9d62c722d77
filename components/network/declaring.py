"""What the network's resources have in common: their names, tags and options."""

from dataclasses import dataclass

import pulumi

from components.naming import PLATFORM, resource_name
from components.network import manifests
from components.network.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class Declaring:
    """One network's way of naming and tagging."""

    spec: NetworkSpec
    options: pulumi.ResourceOptions

    def name(self, role: str) -> str:
        """A resource's name."""
        return resource_name(PLATFORM, self.spec.region, role)

    def tags(self, role: str) -> dict[str, str]:
        """A resource's tags."""
        return manifests.build_tags(self.spec, self.name(role), role)

    def after(self, *needs: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a resource that waits for others."""
        return pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=list(needs)))
