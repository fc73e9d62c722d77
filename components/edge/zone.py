"""The zone the edge is in: TLS, HSTS and the firewall, declared."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.firewall import build_rulesets
from components.edge.zone_spec import SETTINGS, ZoneSpec
from components.naming import PLATFORM, resource_name


@dataclass(frozen=True, kw_only=True)
class ZoneArgs:
    """What a Zone is made from."""

    spec: ZoneSpec
    cloudflare: pulumi.ProviderResource


class Zone(pulumi.ComponentResource):
    """Nothing reaches the Worker but over TLS 1.3, and past the firewall."""

    def __init__(self, name: str, args: ZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Zone", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        for setting, value in SETTINGS.items():
            cloudflare.ZoneSetting(
                resource_name(PLATFORM, spec.region, f"zone-{setting.replace('_', '-')}"),
                zone_id=spec.zone_id,
                setting_id=setting,
                value=value,
                opts=options,
            )
        for ruleset in build_rulesets(spec):
            cloudflare.Ruleset(
                resource_name(PLATFORM, spec.region, f"rules-{ruleset.role}"),
                zone_id=spec.zone_id,
                kind="zone",
                name=f"moltghost {ruleset.role}",
                description=ruleset.description,
                phase=ruleset.phase,
                rules=list(ruleset.rules),
                opts=options,
            )
        self.register_outputs({"zone": spec.zone_id})
