"""One region's way in, declared: its tunnel, and a load balancer's pool and monitor that watch it."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.origin_spec import (
    OriginSpec,
    build_monitor,
    build_tunnel_config,
    connector_token,
    tunnel_address,
)
from components.naming import PLATFORM, resource_name


@dataclass(frozen=True, kw_only=True)
class OriginArgs:
    """What an Origin is made from. `tunnel_secret` is 32 random bytes or more in base64, a Pulumi secret."""

    spec: OriginSpec
    tunnel_secret: pulumi.Output[str]
    cloudflare: pulumi.ProviderResource


class Origin(pulumi.ComponentResource):
    """A region as the Worker sees it: `url` is where it answers, `token` (secret) is what its connectors run with,
    `pool` is the id of the pool that others may steer by (`Steering`)."""

    def __init__(self, name: str, args: OriginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Origin", name, None, opts)
        self._spec = args.spec
        self._own = resource_name(PLATFORM, args.spec.region, "origin")
        self._options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        tunnel = self._tunnel(args.tunnel_secret)
        pool = self._pool(tunnel)
        self._load_balancer(pool)
        self.pool: pulumi.Output[str] = pool.id
        self.url = f"https://{args.spec.hostname}"
        # Secret, as the secret it is made of is.
        self.token: pulumi.Output[str] = pulumi.Output.all(tunnel.id, args.tunnel_secret).apply(
            lambda known: connector_token(args.spec.account_id, *known)
        )
        self.register_outputs({"url": self.url, "pool": pool.id})

    def _tunnel(self, secret: pulumi.Output[str]) -> cloudflare.ZeroTrustTunnelCloudflared:
        tunnel = cloudflare.ZeroTrustTunnelCloudflared(
            self._own,
            account_id=self._spec.account_id,
            name=self._own,
            config_src="cloudflare",
            tunnel_secret=secret,
            opts=self._options,
        )
        config: Any = build_tunnel_config(self._spec)
        cloudflare.ZeroTrustTunnelCloudflaredConfig(
            self._own,
            account_id=self._spec.account_id,
            tunnel_id=tunnel.id,
            source="cloudflare",
            config=config,
            opts=self._options,
        )
        return tunnel

    def _pool(self, tunnel: cloudflare.ZeroTrustTunnelCloudflared) -> cloudflare.LoadBalancerPool:
        monitor = cloudflare.LoadBalancerMonitor(
            self._own, account_id=self._spec.account_id, opts=self._options, **build_monitor(self._spec)
        )
        origin: Any = {
            "name": self._spec.region,
            "address": tunnel.id.apply(tunnel_address),
            "enabled": True,
            "header": {"hosts": [self._spec.hostname]},
            "weight": 1,
        }
        return cloudflare.LoadBalancerPool(
            self._own,
            account_id=self._spec.account_id,
            name=self._own,
            enabled=True,
            minimum_origins=1,
            monitor=monitor.id,
            origins=[origin],
            latitude=self._spec.latitude,
            longitude=self._spec.longitude,
            opts=self._options,
        )

    def _load_balancer(self, pool: cloudflare.LoadBalancerPool) -> None:
        """One pool a name: which region is asked is the Worker's to say, for it knows where an agent lives."""
        cloudflare.LoadBalancer(
            self._own,
            zone_id=self._spec.zone_id,
            name=self._spec.hostname,
            enabled=True,
            proxied=True,
            default_pools=[pool.id],
            fallback_pool=pool.id,
            steering_policy="off",
            session_affinity="none",
            opts=self._options,
        )
