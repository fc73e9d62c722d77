"""The edge component: the Worker clients speak to, and what it knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge import hooks, manifests
from components.edge.manifests import KvRecord
from components.edge.spec import SCRIPT_MODULE, EdgeSpec
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
    """The Worker, its bindings, the records it reads, its route and its DNS name; `hostname` is where it answers."""

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Edge", name, None, opts)
        spec = args.spec
        self._spec = spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)

        keys = self._namespace("keys", manifests.build_key_records(spec))
        routes = self._namespace("routes", manifests.build_routes(spec))
        records = [
            *manifests.build_tenant_records(spec),
            *manifests.build_credential_records(spec),
            *hooks.build_hook_records(spec),
        ]
        tenants = self._namespace("tenants", records)
        namespaces = {edge.BINDING_KEYS: keys, edge.BINDING_ROUTES: routes, edge.BINDING_TENANTS: tenants}
        script = self._script(args, namespaces)
        self._address(script, args.needs)
        self.hostname = spec.hostname
        self.script: pulumi.Output[str] = script.script_name
        self.register_outputs({"hostname": spec.hostname, "script": script.script_name})

    def _named(self, role: str) -> str:
        return resource_name(PLATFORM, self._spec.region, role)

    def _namespace(self, role: str, records: Sequence[KvRecord]) -> cloudflare.WorkersKvNamespace:
        account = self._spec.account_id
        namespace = cloudflare.WorkersKvNamespace(
            self._named(role), account_id=account, title=f"{self._spec.script_name}-{role}", opts=self._options
        )
        for record in records:
            cloudflare.WorkersKv(
                record.name,
                account_id=account,
                namespace_id=namespace.id,
                key_name=record.key,
                value=record.value,
                opts=self._options,
            )
        return namespace

    def _script(
        self, args: EdgeArgs, namespaces: Mapping[str, cloudflare.WorkersKvNamespace]
    ) -> cloudflare.WorkersScript:
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
                    cloudflare.WorkersScriptBindingArgs(name=name, type="kv_namespace", namespace_id=namespace.id)
                    for name, namespace in namespaces.items()
                ),
                *(cloudflare.WorkersScriptBindingArgs(**each) for each in manifests.build_limit_bindings(self._spec)),
                *(cloudflare.WorkersScriptBindingArgs(**each) for each in hooks.build_object_bindings()),
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
