"""The edge component: the Worker clients speak to, and how it reaches regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge import manifests
from components.edge.kv_values import declare_records
from components.edge.migrations import MIGRATIONS, Migration, build_migrations
from components.edge.spec import SCRIPT_MODULE, EdgeSpec
from components.edge.tenant_edge import EdgeNamespaces
from components.naming import PLATFORM, resource_name
from runtime.contract import edge

_ONCE = (
    "content",
    "main_module",
    "compatibility_date",
    "compatibility_flags",
    "observability",
    "logpush",
    "bindings",
    "keep_bindings",
    "migrations",
)
"""All that a migration's upload says, but for whose it is."""
_AUTO_TTL = 1
# A name only a Worker answers for still needs an address: the discard prefix (RFC 6666) says there is none behind it.
_NO_ORIGIN = "100::"


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """What an Edge is made from; the two secrets are never anything but Pulumi secrets. `needs` is what must stand
    before a request may reach the Worker. `held` leaves the Worker as it was uploaded last, while a new version is
    tried (`Rollout`): an upload would give all requests to what it uploads."""

    spec: EdgeSpec
    key_pepper: pulumi.Output[str]
    signing_key: pulumi.Output[str]
    cloudflare: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()
    migrations: Sequence[Migration] = MIGRATIONS
    held: bool = False


class Edge(pulumi.ComponentResource):
    """The Worker, its bindings, the regions it can ask, its route and its DNS name.

    `hostname` is where it answers; `namespaces` are where tenants' records go, each written by its TenantEdge.
    """

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:Edge", name, None, opts)
        spec = args.spec
        self._spec = spec
        self._migrations = args.migrations
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

    def _migrated(self) -> list[pulumi.Resource]:
        """An upload for each migration there ever was, made once and never again.

        The provider sends with every upload what a script declares, and Cloudflare refuses a migration it has made. So
        each is a resource of its own, whose later differences are nobody's to mend, and the script itself declares
        none. It keeps what the Worker is bound to, so that one that runs loses nothing until the script is uploaded.
        """
        made: list[pulumi.Resource] = []
        for tag, migration in build_migrations(self._migrations):
            own = pulumi.ResourceOptions(depends_on=list(made), ignore_changes=list(_ONCE), retain_on_delete=True)
            upload = cloudflare.WorkersScript(
                self._named(f"worker-{tag}"),
                **self._runtime(),
                keep_bindings=list(manifests.BINDING_TYPES),
                migrations=cloudflare.WorkersScriptMigrationsArgs(**migration),
                opts=pulumi.ResourceOptions.merge(self._options, own),
            )
            made.append(upload)
        return made

    def _runtime(self) -> dict[str, Any]:
        """What every upload of the script says: whose it is, its text, and what runs it."""
        return {
            "account_id": self._spec.account_id,
            "script_name": self._spec.script_name,
            "main_module": SCRIPT_MODULE,
            "content": self._spec.script,
            "compatibility_date": edge.COMPATIBILITY_DATE,
            "compatibility_flags": list(edge.COMPATIBILITY_FLAGS),
            "observability": {"enabled": True},
            "logpush": self._spec.logpush,
        }

    def _script(self, args: EdgeArgs) -> cloudflare.WorkersScript:
        built = [
            *manifests.build_limit_bindings(self._spec),
            *manifests.build_hook_bindings(),
            *manifests.build_text_bindings(client_certificates=self._spec.client_certificates),
        ]
        return cloudflare.WorkersScript(
            self._named("worker"),
            **self._runtime(),
            bindings=[
                *(
                    cloudflare.WorkersScriptBindingArgs(name=name, type="kv_namespace", namespace_id=namespace)
                    for name, namespace in self.namespaces.by_binding().items()
                ),
                *(cloudflare.WorkersScriptBindingArgs(**each) for each in built),
                cloudflare.WorkersScriptBindingArgs(name=edge.SECRET_PEPPER, type="secret_text", text=args.key_pepper),
                cloudflare.WorkersScriptBindingArgs(
                    name=edge.SECRET_SIGNING_KEY, type="secret_text", text=args.signing_key
                ),
            ],
            opts=pulumi.ResourceOptions.merge(
                self._options,
                pulumi.ResourceOptions(depends_on=self._migrated(), ignore_changes=list(_ONCE) if args.held else None),
            ),
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
