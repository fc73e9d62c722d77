"""Turns settings into a plan: everything a stack's YAML leaves to be computed, computed."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import chain

from components.cluster.spec import PLATFORM_NAMESPACE
from components.labels import Region, TenantId
from components.naming import PLATFORM, resource_name
from infra.plan import access, addresses, agents, ceilings, client_cas, edge, hooks, identity, limits, machine
from infra.settings import ConfigError, Draft, Problem, Settings
from infra.settings.models import Tenant
from infra.settings.problems import ancestors

RULES = (
    addresses.networks_are_apart,
    addresses.tunnel_is_outside,
    addresses.egress_is_public,
    identity.ids_are_unique,
    identity.names_are_free,
    identity.derived_names_fit,
    identity.labels_are_the_tenants_own,
    identity.hostname_is_in_zone,
    edge.console_is_in_zone,
    edge.hostnames_are_apart,
    edge.no_route_shadows_an_agent,
    ceilings.gpu_classes_are_offered,
    ceilings.quotas_hold_their_agents,
    ceilings.quotas_fit_the_region,
    ceilings.locked_snapshots_stay,
    agents.models_have_one_source,
    agents.agents_models_are_listed,
    agents.skills_have_a_bundle,
    agents.secrets_are_the_agents_own,
    agents.tools_can_be_allowed,
    agents.answers_fit_the_context,
    access.credentials_have_their_own_ids,
    access.credentials_are_told_apart,
    access.credentials_open_what_there_is,
    access.keys_have_not_expired,
    client_cas.cas_are_told_apart,
    client_cas.cas_have_not_expired,
    client_cas.certificates_have_a_ca,
    hooks.hooks_have_their_own_address,
    hooks.hooks_are_for_the_tenants_agents,
    hooks.hook_versions_differ,
    limits.bursts_fit_their_minute,
    limits.spending_has_a_price,
    limits.keys_stay_below_their_tenants,
    machine.endpoints_are_here,
    machine.keys_have_tenants,
)


@dataclass(frozen=True)
class TenantPlan:
    """One tenant: what it is called, where it lives, and what its settings say."""

    id: TenantId
    namespace: str
    settings: Tenant


@dataclass(frozen=True)
class Plan:
    """A stack whose settings have passed every rule. `never` are the ranges no agent is let out to."""

    settings: Settings
    region: Region
    bucket: str
    worker: str
    gateway_namespace: str
    tenants: tuple[TenantPlan, ...]
    never: tuple[IPv4Network, ...]


def plan_stack(draft: Draft) -> Plan:
    """The plan of a stack. Raises ConfigError with every problem of its settings, those of their shape included."""
    problems = [*draft.problems, *_broken_rules(draft)]
    if problems:
        raise ConfigError(draft.source.name, problems, draft.source.lines)
    settings = draft.settings
    region = Region(settings.region.name)
    return Plan(
        settings=settings,
        region=region,
        bucket=bucket_name(settings),
        worker=resource_name(PLATFORM, region, "edge"),
        gateway_namespace=PLATFORM_NAMESPACE,
        tenants=tuple(
            TenantPlan(TenantId(tenant.id), resource_name(tenant.id, region, "agents"), tenant)
            for tenant in settings.tenants
        ),
        never=(*addresses.NEVER, *addresses.region_networks(settings).values()),
    )


def bucket_name(settings: Settings) -> str:
    """The snapshot bucket's name. Buckets share one namespace with all the world's, hence the account in it."""
    return resource_name("moltghost", f"{settings.region.name}-{settings.region.aws.account_id}", "snapshots")


def _broken_rules(draft: Draft) -> list[Problem]:
    """What the rules find, but for verdicts that rest on a place where an example stands in for a wrong value."""
    found = chain.from_iterable(rule(draft.settings) for rule in RULES)
    return [
        problem for problem in found if not any(_stands_in(path, draft) for path in (problem.path, *problem.involves))
    ]


def _stands_in(path: str, draft: Draft) -> bool:
    if any(above in draft.replaced for above in ancestors(path)):
        return True
    return any(path in ancestors(replaced) for replaced in draft.replaced)
