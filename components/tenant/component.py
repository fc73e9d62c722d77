"""The tenant component: one customer's place in one region."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.naming import resource_name
from components.objects import declare
from components.tenant import manifests
from components.tenant.spec import TenantSpec
from components.values import Manifest


@dataclass(frozen=True, kw_only=True)
class TenantArgs:
    """What a Tenant is made from."""

    spec: TenantSpec
    kubernetes: pulumi.ProviderResource


class Tenant(pulumi.ComponentResource):
    """A namespace with its ceilings, its network policies and its account.

    `ready` is what an agent of the tenant waits for: no pod starts before the policies that hold it.
    """

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:tenant:Tenant", name, None, opts)
        spec = args.spec
        self._spec = spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)

        namespace = self._declare("namespace", manifests.build_namespace(spec), [])
        held: list[pulumi.Resource] = [
            self._declare("quota", manifests.build_quota(spec), [namespace]),
            self._declare("limits", manifests.build_limits(spec), [namespace]),
            self._declare("account", manifests.build_service_account(spec), [namespace]),
            *(
                self._declare(policy["metadata"]["name"], policy, [namespace])
                for policy in manifests.build_policies(spec)
            ),
        ]

        self.namespace = spec.namespace
        self.ready: list[pulumi.Resource] = [namespace, *held]
        self.register_outputs({"namespace": spec.namespace})

    def _declare(self, role: str, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))
        return declare(resource_name(self._spec.tenant, self._spec.region, role), manifest, options)
