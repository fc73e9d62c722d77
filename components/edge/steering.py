"""A load balancer over the regions' pools, declared."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.steering_spec import SteeringSpec
from components.labels import Region
from components.naming import PLATFORM, resource_name


@dataclass(frozen=True, kw_only=True)
class SteeringArgs:
    """What a Steering is made from. `pools` are the ids of the regions' pools, as each `Origin` says its own."""

    spec: SteeringSpec
    pools: Mapping[Region, pulumi.Input[str]]
    cloudflare: pulumi.ProviderResource


class Steering(pulumi.ComponentResource):
    """The nearest region whose monitor finds it up answers. Agents are not asked this way: the Worker knows where each
    lives. Raises KeyError for a preferred region without a pool."""

    def __init__(self, name: str, args: SteeringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Steering", name, None, opts)
        spec = args.spec
        pools = [args.pools[region] for region in spec.preferred]
        cloudflare.LoadBalancer(
            resource_name(PLATFORM, spec.region, "steering"),
            zone_id=spec.zone_id,
            name=spec.hostname,
            enabled=True,
            proxied=True,
            default_pools=pools,
            fallback_pool=pools[0],
            steering_policy="proximity",
            session_affinity="none",
            opts=pulumi.ResourceOptions(parent=self, provider=args.cloudflare),
        )
        self.register_outputs({"hostname": spec.hostname})
