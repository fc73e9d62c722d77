"""What each component renders, as files a reviewer reads. `pytest --update-golden` writes them anew."""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.agent import manifests as agent
from components.agent.secrets import build_secret
from components.backup import manifests as backup
from components.backup import replication
from components.cluster import controller
from components.cluster import device_manifests as devices
from components.cluster import eks_manifests as eks
from components.cluster import manifests as cluster
from components.cluster import pools_manifests as pools
from components.cluster import site_nodes_manifests as site_nodes
from components.cluster.devices_spec import LOCAL_CLASS
from components.control_plane import manifests as gateway
from components.control_plane import policies as gateway_policies
from components.database import manifests as database
from components.edge import (
    client_certificates_spec,
    firewall,
    migrations,
    origin_spec,
    tenant_edge_manifests,
    zone_spec,
)
from components.edge import manifests as edge
from components.ingress import manifests as ingress
from components.models import manifests as models
from components.network import manifests as network
from components.network.spec import NetworkSpec
from components.tenant import key
from components.tenant import manifests as tenant
from components.tenant.spec import KeyReplicaSpec
from tests.components import specs

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def render_cluster() -> list[Any]:
    spec = specs.CLUSTER
    return [
        *cluster.build_namespaces(spec),
        *cluster.build_priority_classes(spec),
        cluster.build_storage_class(spec),
        *controller.build_controller_identity(spec),
        *controller.build_controller_policies(spec),
        controller.build_controller(spec),
        controller.build_disruption_budget(spec),
    ]


def render_eks() -> list[Any]:
    spec = specs.EKS
    policies = [
        eks.build_cluster_trust(spec),
        eks.build_pod_identity_trust(spec.account_id, spec.aws_region, spec.name),
        eks.build_node_trust(),
        eks.build_secrets_key_policy(spec),
        eks.build_secrets_permissions("arn:aws:kms:us-east-1:123456789012:key/secrets"),
        eks.build_logs_key_policy(spec),
        eks.build_disks_key_policy(spec.account_id, spec.aws_region),
        eks.build_model_permissions(spec.model_buckets) or "",
    ]
    kubeconfig = eks.build_kubeconfig(spec.name, "https://endpoint.example.com", "bm9uZQ==", spec.aws_region)
    addons = {name: json.loads(values) for name, values in eks.build_addon_values().items()}
    return [*(json.loads(policy) for policy in policies), yaml.safe_load(kubeconfig), addons]


def render_pools() -> list[Any]:
    groups = [group for pool in pools.plan_groups(specs.POOLS) for group in pool]
    return [
        {
            group.role: {
                "launch_template": pools.build_launch_template(group, "KEY", ["sg-cluster", "sg-nodes"]),
                "user_data": base64.b64decode(pools.build_user_data(group.pool)).decode(),
                "node_group": pools.build_node_group(group),
                "autoscaler_tags": pools.build_autoscaler_tags(group),
            }
        }
        for group in groups
    ]


def render_site_nodes() -> list[Any]:
    spec, plain = specs.SITE_NODES, specs.NETWORK
    joined = plain.model_copy(update={"node_ranges": plain.mesh_ranges})
    placed = specs.AGENT.model_copy(update={"site": spec.sites[0].site, "storage_class": LOCAL_CLASS})
    pod = agent.build_pod(placed)
    return [
        json.loads(site_nodes.build_trust(spec)),
        json.loads(site_nodes.build_permissions(spec)),
        *(yaml.safe_load(site_nodes.build_node_config(spec, each)) for each in spec.sites),
        *site_nodes.build_admission(spec),
        {"rules": [each for each in _rules(joined) if each not in _rules(plain)]},
        {name: pod[name] for name in ("nodeSelector", "tolerations")},
    ]


def _rules(spec: NetworkSpec) -> list[str]:
    return [
        f"{each.group} {each.direction} {each.protocol} {each.first}-{each.last} {each.peer}"
        for each in network.build_rules(spec)
    ]


def render_devices() -> list[Any]:
    spec = specs.DEVICES
    assert spec.local_disks_image is not None
    return [
        devices.build_namespace(spec),
        *devices.build_isolation(spec),
        devices.build_device_plugin(spec),
        *devices.build_local_disks(spec, spec.local_disks_image),
        *devices.build_autoscaler(spec),
        json.loads(devices.build_autoscaler_permissions(spec.cluster)),
    ]


def render_tenant() -> list[Any]:
    spec = specs.TENANT
    return [
        tenant.build_namespace(spec),
        tenant.build_quota(spec),
        tenant.build_limits(spec),
        tenant.build_service_account(spec),
        *tenant.build_policies(spec),
        json.loads(key.build_key_policy(specs.TENANT_KEY)),
        json.loads(key.build_replica_policy(specs.TENANT_KEY, _replica())),
    ]


def _replica() -> KeyReplicaSpec:
    assert specs.TENANT_KEY.replica is not None
    return specs.TENANT_KEY.replica


def render_agent() -> list[Any]:
    spec = specs.AGENT
    return [
        agent.build_config(spec),
        agent.build_skills(spec),
        build_secret(spec, dict.fromkeys(spec.secrets, "bm90IGhlcmU=")),
        agent.build_egress(spec),
        agent.build_sandbox(spec),
    ]


def render_models() -> list[Any]:
    return [models.build_volume(specs.BUCKET_MODEL), models.build_claim(specs.BUCKET_MODEL)]


def render_control_plane() -> list[Any]:
    spec = specs.GATEWAY
    return [
        *gateway.build_identity(spec),
        gateway.build_config(spec),
        gateway.build_deployment(spec),
        gateway.build_service(spec),
        gateway.build_disruption_budget(spec),
        *gateway_policies.build_policies(spec),
    ]


def render_backup() -> list[Any]:
    here = "arn:aws:kms:ap-southeast-1:123456789012:key/mrk-acme"
    there = "arn:aws:kms:ap-southeast-3:123456789012:key/mrk-acme"
    return [
        json.loads(backup.build_bucket_policy(specs.BACKUP, here)),
        json.loads(replication.build_trust_policy()),
        json.loads(replication.build_role_policy(specs.REPLICATION, here, there)),
        replication.build_rule(specs.REPLICATION, there),
    ]


def render_database() -> list[Any]:
    spec = specs.DATABASE
    return [
        json.loads(database.build_key_policy(spec)),
        {"family": database.parameter_family(spec), "parameters": [asdict(each) for each in database.PARAMETERS]},
    ]


def render_edge() -> list[Any]:
    spec = specs.EDGE
    records = edge.build_region_records(spec)
    return [*(asdict(record) for record in records), *edge.build_hook_bindings(), *migrations.build_migrations()]


def render_edge_tenant() -> list[Any]:
    records = tenant_edge_manifests.build_records(specs.TENANT_EDGE)
    return [{binding: [asdict(record) for record in each]} for binding, each in records.items()]


def render_edge_client_certificates() -> list[Any]:
    spec, certificates = specs.CLIENT_CERTIFICATES, client_certificates_spec
    return [build(spec, ca) for ca in spec.cas for build in (certificates.build_ca, certificates.build_association)]


def render_edge_zone() -> list[Any]:
    return [
        {"settings": zone_spec.SETTINGS},
        *(asdict(ruleset) for ruleset in firewall.build_rulesets(specs.ZONE)),
    ]


def render_edge_origin() -> list[Any]:
    return [origin_spec.build_tunnel_config(specs.ORIGIN), origin_spec.build_monitor(specs.ORIGIN)]


def render_ingress() -> list[Any]:
    spec = specs.CONNECTOR
    return [
        ingress.build_secret(spec, "bm90IGhlcmU="),
        *ingress.build_policies(spec),
        ingress.build_deployment(spec, "0" * 64),
        ingress.build_disruption_budget(spec),
    ]


def render_network() -> list[Any]:
    spec = specs.NETWORK
    queries, answers = network.build_database_acl(spec)
    return [
        {name: str(each) for name, each in spec.ranges.used().items()},
        {"free": [str(each) for each in spec.ranges.free]},
        {"rules": _rules(spec), "exits": [str(each) for each in network.egress_ranges(spec)]},
        {
            way: [f"{each.number} {each.network} {each.first}-{each.last}" for each in entries]
            for way, entries in (("in", queries), ("out", answers))
        },
        {service: json.loads(network.build_endpoint_policy(spec, service)) for service in spec.services},
        json.loads(network.build_s3_policy(spec)),
        json.loads(network.build_flow_log_key_policy(spec)),
        json.loads(network.build_flow_log_trust(spec)),
        json.loads(network.build_flow_log_rights(spec)),
        {"format": network.build_flow_log_format()},
    ]


RENDERED: dict[str, Callable[[], list[Any]]] = {
    "agent": render_agent,
    "backup": render_backup,
    "cluster": render_cluster,
    "control_plane": render_control_plane,
    "devices": render_devices,
    "database": render_database,
    "edge": render_edge,
    "edge_client_certificates": render_edge_client_certificates,
    "edge_origin": render_edge_origin,
    "edge_tenant": render_edge_tenant,
    "edge_zone": render_edge_zone,
    "eks": render_eks,
    "ingress": render_ingress,
    "models": render_models,
    "network": render_network,
    "pools": render_pools,
    "site_nodes": render_site_nodes,
    "tenant": render_tenant,
}


class _Plain(yaml.SafeDumper):
    """Writes a value used twice out twice: a reviewer follows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize("component", RENDERED)
def test_what_a_component_renders_is_what_was_reviewed(component: str, update_golden: bool) -> None:
    file = GOLDEN / f"{component}.yaml"
    text = yaml.dump_all(RENDERED[component](), Dumper=_Plain, sort_keys=False, width=120)
    if update_golden:
        file.write_text(text)
    assert text == file.read_text(), "the rendering changed: look at it, then run pytest --update-golden"


@pytest.mark.parametrize("component", RENDERED)
def test_rendering_twice_gives_the_same(component: str) -> None:
    assert RENDERED[component]() == RENDERED[component]()


def test_no_golden_file_is_left_behind() -> None:
    assert {file.stem for file in GOLDEN.glob("*.yaml")} == set(RENDERED)
