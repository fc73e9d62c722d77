"""The rules each kind of stack must pass."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.plan import (
    access,
    addresses,
    agents,
    ceilings,
    client_cas,
    clusters,
    edge,
    hooks,
    identity,
    limits,
    machine,
    placement,
    region_ceilings,
    site_nodes,
    sites,
)
from infra.settings.problems import Problem

Rule = Callable[[Any], Iterator[Problem]]

_EDGE: tuple[Rule, ...] = (
    identity.hostname_is_in_zone,
    edge.console_is_in_zone,
    edge.hostnames_are_apart,
    client_cas.cas_are_told_apart,
    client_cas.cas_have_not_expired,
)
_REGION: tuple[Rule, ...] = (
    addresses.networks_are_apart,
    addresses.tunnel_is_outside,
    ceilings.locked_snapshots_stay,
)
_TENANTS: tuple[Rule, ...] = (
    addresses.egress_is_public,
    identity.ids_are_unique,
    identity.names_are_free,
    identity.derived_names_fit,
    identity.labels_are_the_tenants_own,
    edge.no_route_shadows_an_agent,
    ceilings.quotas_hold_their_agents,
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
    hooks.hooks_have_their_own_address,
    hooks.hooks_are_for_the_tenants_agents,
    hooks.hook_versions_differ,
    limits.bursts_fit_their_minute,
    limits.spending_has_a_price,
    limits.keys_stay_below_their_tenants,
)

RULES: Mapping[str, tuple[Rule, ...]] = {
    "dev": (
        *_REGION,
        *_EDGE,
        *_TENANTS,
        ceilings.gpu_classes_are_offered,
        ceilings.quotas_fit_the_region,
        client_cas.certificates_have_a_ca,
        machine.endpoints_are_here,
        machine.keys_have_tenants,
    ),
    "global": (
        *_EDGE,
        clusters.blocks_can_be_cut,
        clusters.blocks_are_apart,
        placement.origins_are_regions,
        placement.steered_regions_are_listed,
        sites.mesh_is_told_whole,
        sites.sites_keep_the_meshs_rules,
        sites.sites_lie_in_their_regions,
        sites.machines_are_in_their_sites,
        machine.endpoints_are_here,
    ),
    "region": (
        *_REGION,
        clusters.blocks_can_be_cut,
        clusters.cluster_is_given_or_made,
        clusters.machine_tells_of_a_given_cluster,
        clusters.given_ranges_lie_in_the_block,
        clusters.zones_are_the_regions,
        clusters.pools_can_be_had,
        clusters.releases_fit_the_cluster,
        clusters.gpu_plugin_is_sound,
        clusters.tunnels_are_somewhere,
        clusters.agents_can_be_hosted,
        clusters.database_can_grow,
        region_ceilings.egress_is_named_and_public,
        region_ceilings.ceilings_hold,
        sites.gateways_have_zones,
        site_nodes.nodes_elsewhere_can_be,
        machine.endpoints_are_here,
    ),
    "tenant": (
        *_TENANTS,
        placement.failover_is_elsewhere,
        placement.data_stays_where_it_may_be,
        placement.regions_have_stacks,
        site_nodes.agents_at_sites_can_be,
        machine.endpoints_are_here,
    ),
}
"""By kind; what each rule is for it says itself."""
