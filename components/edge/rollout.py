"""A new version of the Worker, given requests by percentage."""

import base64
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.rollout_spec import RolloutSpec, build_shares, build_version
from components.naming import PLATFORM, resource_name


@dataclass(frozen=True, kw_only=True)
class RolloutArgs:
    """What a Rollout is made from. `script_name` is the Worker's, known once it is uploaded."""

    spec: RolloutSpec
    script_name: pulumi.Input[str]
    cloudflare: pulumi.ProviderResource


class Rollout(pulumi.ComponentResource):
    """One version tried beside another; `version` is the new one's id.

    Neither version nor deployment is deleted with its resource: Cloudflare keeps versions, and deletes no deployment
    that runs. So a rollout is given up by a `percent` of 0 before it is taken out.
    """

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Rollout", name, None, opts)
        spec = args.spec
        own = resource_name(PLATFORM, spec.region, "worker")
        kept = pulumi.ResourceOptions(parent=self, provider=args.cloudflare, retain_on_delete=True)
        content: Any = build_version(spec, base64.b64encode(spec.script.encode()).decode())
        version = cloudflare.WorkerVersion(
            own, account_id=spec.account_id, worker_id=args.script_name, deploy=False, opts=kept, **content
        )
        shares: Any = build_shares(spec, version.id)
        cloudflare.WorkersDeployment(
            own,
            account_id=spec.account_id,
            script_name=args.script_name,
            strategy="percentage",
            versions=shares,
            opts=kept,
        )
        self.version: pulumi.Output[str] = version.id
        self.register_outputs({"version": version.id})
