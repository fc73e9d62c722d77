"""The edge component: the Worker clients speak to, and how it reaches regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge import manifests
from components.edge.kv_values import declare_records
from components.edge.spec import SCRIPT_MODULE, EdgeSpec
from components.edge.tenant_edge import EdgeNamespaces
from components.naming import PLATFORM, resource_name
from runtime.contract import edge

_AUTO_TTL = 1
# A name only a Worker answers for still needs an address: the discard prefix (RFC 6666) says there is none behind it.
_NO_ORIGIN = "100::"


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """What an Edge is made from; the two secrets are never anything but Pulumi secrets. `needs` is what must stand
    before a request may reach the Worker."""

    spec: EdgeSpec
    key_pepper: pulumi.Output[str]
    signing_key: pulumi.Output[str]
    cloudflare: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Edge(pulumi.ComponentResource):
    """The Worker, its bindings, the regions it can ask, its route and its DNS name.

    `hostname` is where it answers; `namespaces` are where tenants' records go, each written by its TenantEdge.
    """

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Edge", name, None, opts)
        spec = args.spec
        self._spec = spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)

        self.namespaces = EdgeNamespaces(
            keys=self._namespace("keys"), routes=self._namespace("routes"), tenants=self._namespace("tenants")
        )
        declare_records(manifests.build_region_records(spec), spec.account_id, self.namespaces.routes, self._options)
        script = self._script(args)
        self._address(script, args.needs)
        self.hostname = spec.hostname
        self.script: pulumi.Output[str] = script.script_name
        self.register_outputs({"hostname": spec.hostname, "script": script.script_name})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._spec.region, role)

    def _namespace(self, role: str) -> pulumi.Output[str]:
        namespace = cloudflare.WorkersKvNamespace(
            self._named(role),
            account_id=self._spec.account_id,
            title=f"{self._spec.script_name}-{role}",
            opts=self._options,
        )
        return namespace.id

    def _script(self, args: EdgeArgs) -> cloudflare.WorkersScript:
        return cloudflare.WorkersScript(
            self._named("worker"),
            account_id=self._spec.account_id,
            script_name=self._spec.script_name,
            main_module=SCRIPT_MODULE,
            content=self._spec.script,
            compatibility_date=edge.COMPATIBILITY_DATE,
            compatibility_flags=list(edge.COMPATIBILITY_FLAGS),
            observability={"enabled": True},
            bindings=[
                *(
                    cloudflare.WorkersScriptBindingArgs(name=name, type="kv_namespace", namespace_id=namespace)
                    for name, namespace in self.namespaces.by_binding().items()
                ),
                *(cloudflare.WorkersScriptBindingArgs(**each) for each in manifests.build_limit_bindings(self._spec)),
                *(cloudflare.WorkersScriptBindingArgs(**each) for each in manifests.build_hook_bindings()),
                cloudflare.WorkersScriptBindingArgs(name=edge.SECRET_PEPPER, type="secret_text", text=args.key_pepper),
                cloudflare.WorkersScriptBindingArgs(
                    name=edge.SECRET_SIGNING_KEY, type="secret_text", text=args.signing_key
                ),
            ],
            migrations=cloudflare.WorkersScriptMigrationsArgs(**manifests.build_migrations()),
            opts=self._options,
        )

    def _address(self, script: cloudflare.WorkersScript, needs: Sequence[pulumi.Resource]) -> None:
        cloudflare.WorkersRoute(
            self._named("worker"),
            zone_id=self._spec.zone_id,
            pattern=f"{self._spec.hostname}/*",
            script=script.script_name,
            opts=pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs))),
        )
        cloudflare.DnsRecord(
            self._named("worker"),
            zone_id=self._spec.zone_id,
            name=self._spec.hostname,
            type="AAAA",
            content=_NO_ORIGIN,
            proxied=True,
            ttl=_AUTO_TTL,
            comment="Answered by the Worker; nothing is behind it.",
            opts=self._options,
        )
