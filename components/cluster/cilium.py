"""The network of a region's cluster: Cilium, before there is any node."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi

from components.cluster.cilium_manifests import build_cilium
from components.cluster.eks_spec import SECURE_PORT, EksSpec
from components.naming import PLATFORM, resource_name
from components.objects import declare


@dataclass(frozen=True, kw_only=True)
class CiliumArgs:
    """What a Cilium is made from: `endpoint` is the API server's URL, `kubernetes` the provider of the cluster."""

    spec: EksSpec
    endpoint: pulumi.Output[str]
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Cilium(pulumi.ComponentResource):
    """Pods' addresses and Services; NetworkPolicies enforced; WireGuard between nodes.

    `ready` is what a pool waits for: a node that joins earlier has no network, and stays tainted.
    """

    def __init__(self, name: str, args: CiliumArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Cilium", name, None, opts)
        options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(args.needs))
        host = args.endpoint.apply(lambda url: urlsplit(url).hostname or "")
        port = args.endpoint.apply(lambda url: str(urlsplit(url).port or SECURE_PORT))
        self.ready: list[pulumi.Resource] = []
        for manifest in build_cilium(args.spec, host, port):
            role = manifest["metadata"]["name"]
            # The workloads come last in the chart's order, after the rights and the configuration they need.
            needing = pulumi.ResourceOptions(depends_on=list(self.ready)) if "spec" in manifest else None
            self.ready.append(
                declare(
                    resource_name(PLATFORM, args.spec.region, role),
                    manifest,
                    pulumi.ResourceOptions.merge(options, needing),
                )
            )
        self.register_outputs({"objects": len(self.ready)})
