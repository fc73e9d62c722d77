"""Clusters: moto's record, and a control plane that is there for as long as the record is."""

import threading
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, Literal

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.eks.models import Cluster, EKSBackend, Nodegroup
from moto.kms.models import kms_backends
from moto.moto_api._internal import mock_random

from infra.local.aws.eks import hosting
from infra.local.aws.eks.hosting import VERSION, Identity
from infra.local.aws.eks.record import Asked, cluster_of, in_use, invalid, parts, refused
from infra.local.cluster.shell import MachineError

MIN_ZONES = 2
"""https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html"""
_DATA_KEY_BYTES = 32
_RFC1918 = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html"""
_STANDING = {
    "accessConfig": "access_config",
    "upgradePolicy": "upgrade_policy",
    "remoteNetworkConfig": "remote_network_config",
    "deletionProtection": "deletion_protection",
}
"""Fields of a cluster that moto doesn't keep, and that an update takes; and the attributes they are kept in."""
_Kind = Literal[
    "ConfigUpdate", "VersionUpdate", "VpcConfigUpdate", "LoggingUpdate", "AddonUpdate", "AccessConfigUpdate"
]


def identity(backend: EKSBackend, name: str) -> Identity:
    """Whose the cluster is, where, and its name."""
    return Identity(backend.account_id, backend.region_name, name)


def update(kind: _Kind = "ConfigUpdate") -> ActionResult:
    """What EKS answers a change with; here it is done by then."""
    return ActionResult(
        {"update": {"id": str(mock_random.uuid4()), "status": "Successful", "type": kind, "params": [], "errors": []}}
    )


class Clusters(Asked):
    """Create, change and delete clusters."""

    def create_cluster(self) -> ActionResult:
        """CreateCluster: answered at once; the cluster is ACTIVE once its API server is."""
        asked, backend = self.asked, self.backend
        name = asked["name"]
        if name in backend.clusters:
            raise in_use(f"Cluster already exists with name: {name}")
        _require_version(asked.get("version") or VERSION)
        _require_entries(asked.get("accessConfig") or {})
        vpc = _placed(backend, asked["resourcesVpcConfig"])
        _require_apart(vpc, asked.get("remoteNetworkConfig") or {}, backend)
        data_key = _data_key(backend, asked.get("encryptionConfig") or [])
        host = _host()
        cluster: Cluster = backend.create_cluster(
            name=name,
            version=asked.get("version") or VERSION,
            role_arn=asked["roleArn"],
            resources_vpc_config=vpc,
            kubernetes_network_config=_network(asked.get("kubernetesNetworkConfig") or {}),
            logging=asked.get("logging"),
            tags=dict(asked.get("tags") or {}),
            encryption_config=asked.get("encryptionConfig"),
        )
        parts(cluster)
        _keep(cluster, {"deletionProtection": False, "upgradePolicy": {"supportType": "EXTENDED"}} | asked)
        cluster.status = "CREATING"
        vpc["clusterSecurityGroupId"] = _security_group(backend, cluster)
        services = IPv4Network(cluster.kubernetes_network_config["serviceIpv4Cidr"])

        def start() -> None:
            access = host.start(identity(backend, name), services, data_key)
            cluster.endpoint, cluster.certificate_authority = access.endpoint, {"data": access.authority}
            cluster.status = "ACTIVE"

        aside(cluster, name, start)
        return ActionResult({"cluster": cluster})

    def update_cluster_config(self) -> ActionResult:
        """UpdateClusterConfig: what isn't named stays as it is; moto would forget the subnets."""
        asked, cluster = self.asked, self.cluster()
        _require_active(cluster)
        if vpc := asked.get("resourcesVpcConfig"):
            _placed(self.backend, {**cluster.resources_vpc_config, **vpc})
            cluster.resources_vpc_config.update(vpc)
        if asked.get("accessConfig"):
            _require_entries({**getattr(cluster, "access_config", {}), **asked["accessConfig"]})
        if asked.get("logging"):
            cluster.logging = asked["logging"]
        if asked.get("remoteNetworkConfig"):
            _require_apart(cluster.resources_vpc_config, asked["remoteNetworkConfig"], self.backend)
        _keep(cluster, asked)
        return update()

    def update_cluster_version(self) -> ActionResult:
        """UpdateClusterVersion: this machine has the programs of one version."""
        cluster = self.cluster()
        _require_version(self.asked["version"])
        cluster.version = self.asked["version"]
        return update("VersionUpdate")

    def delete_cluster(self) -> ActionResult:
        """DeleteCluster: the record goes when nothing of the control plane runs any more."""
        backend, cluster = self.backend, self.cluster()
        if cluster.__dict__.get("deletion_protection"):
            raise refused(f"Cluster {cluster.name} has deletion protection; disable it first")
        if cluster.nodegroups:
            raise in_use("Cluster has nodegroups attached")
        cluster.status = "DELETING"
        host = hosting.current()

        def stop() -> None:
            host.stop(identity(backend, cluster.name))
            ec2_backends[backend.account_id][backend.region_name].delete_security_group(
                group_id=cluster.resources_vpc_config["clusterSecurityGroupId"]
            )
            backend.clusters.pop(cluster.name, None)

        aside(cluster, cluster.name, stop)
        return ActionResult({"cluster": cluster})


def _host() -> hosting.Host:
    try:
        return hosting.current()
    except MachineError as error:
        raise refused(str(error)) from None


def aside(record: Cluster | Nodegroup, name: str, work: Callable[[], None], failed: str = "FAILED") -> None:
    """Do it after the answer, as EKS does; where it fails the record says so, and why."""

    def run() -> None:
        try:
            work()
        except Exception as error:  # whatever it is, nobody waits for this thread
            print(f"{name}: {error!r}", flush=True)
            record.__dict__["health"] = {"issues": [{"code": "InternalFailure", "message": str(error)}]}
            record.status = failed

    threading.Thread(target=run, daemon=True, name=f"eks {name}").start()


def _keep(cluster: Cluster, asked: Mapping[str, Any]) -> None:
    for name, attribute in _STANDING.items():
        wanted, before = asked.get(name), getattr(cluster, attribute, None)
        if wanted is not None:
            setattr(cluster, attribute, {**before, **wanted} if isinstance(before, dict) else wanted)


def _require_entries(access: Mapping[str, Any]) -> None:
    if access.get("authenticationMode") != "API" or access.get("bootstrapClusterCreatorAdminPermissions") is not False:
        raise invalid(
            "accessConfig: this machine lets nobody in but by access entries: set authenticationMode to API and "
            "bootstrapClusterCreatorAdminPermissions to false"
        )


def _require_version(version: str) -> None:
    if version != VERSION:
        raise invalid(f"unsupported Kubernetes version {version}: this machine has the programs of {VERSION} alone")


def _require_active(cluster: Cluster) -> None:
    if cluster.status != "ACTIVE":
        raise in_use(f"Cluster '{cluster.name}' is not in ACTIVE status")


def _network(asked: Mapping[str, Any]) -> dict[str, str]:
    return {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"} | dict(asked)


def _placed(backend: EKSBackend, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The network's part of a cluster, checked: subnets of one VPC, in two zones at least."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    subnets = [ec2.get_subnet(each) for each in asked["subnetIds"]]
    if len({each.availability_zone for each in subnets}) < MIN_ZONES:
        raise invalid(f"Subnets specified must be in at least {MIN_ZONES} different AZs")
    if len({each.vpc_id for each in subnets}) != 1:
        raise invalid("Subnets specified must belong to the same VPC")
    defaults = {"endpointPublicAccess": True, "endpointPrivateAccess": False, "securityGroupIds": []}
    whole: dict[str, Any] = defaults | dict(asked) | {"vpcId": subnets[0].vpc_id}
    if not (whole["endpointPublicAccess"] or whole["endpointPrivateAccess"]):
        raise invalid("Private and public endpoint access cannot both be false")
    return whole | {"publicAccessCidrs": ["0.0.0.0/0"] if whole["endpointPublicAccess"] else []}


def _require_apart(vpc: Mapping[str, Any], remote: Mapping[str, Any], backend: EKSBackend) -> None:
    """Nodes elsewhere have private addresses that are not the VPC's, as EKS asks; of pods there nothing is played."""
    if remote.get("remotePodNetworks"):
        raise invalid("remoteNetworkConfig.remotePodNetworks isn't played here; leave it out")
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    own = IPv4Network(ec2.get_vpc(vpc["vpcId"]).cidr_block)
    for networks in remote.get("remoteNodeNetworks") or []:
        for network in map(IPv4Network, networks["cidrs"]):
            if not any(network.subnet_of(each) for each in _RFC1918):
                raise invalid(f"remoteNodeNetworks: {network} is not in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
            if network.overlaps(own):
                raise invalid(f"remoteNodeNetworks: {network} overlaps the VPC's {own}")


def _data_key(backend: EKSBackend, config: list[dict[str, Any]]) -> bytes | None:
    """The key Secrets are encrypted with in etcd, made by KMS under the cluster's key."""
    if not config:
        return None
    arn = config[0]["provider"]["keyArn"]
    kms = kms_backends[backend.account_id][backend.region_name]
    key = kms.keys.get(arn.rpartition("/")[2])
    if key is None or key.key_state != "Enabled":
        raise invalid(f"The keyArn in encryptionConfig provider {arn} is invalid: no such key is enabled")
    plain, _, _ = kms.generate_data_key(arn, {}, _DATA_KEY_BYTES, "")
    return plain


def _security_group(backend: EKSBackend, cluster: Cluster) -> str:
    """The group EKS makes for a cluster: its members may talk to each other."""
    group = ec2_backends[backend.account_id][backend.region_name].create_security_group(
        name=f"eks-cluster-sg-{cluster.name}-{mock_random.randint(10**8, 10**9 - 1)}",
        description="EKS created security group applied to ENI that is attached to EKS Control Plane master nodes",
        vpc_id=cluster.resources_vpc_config["vpcId"],
        tags={"aws:eks:cluster-name": cluster.name},
    )
    return str(group.id)


def cluster_named(backend: EKSBackend, name: str) -> Cluster:
    """A cluster that can take something. Raises what EKS answers where there is none, or it isn't ACTIVE."""
    cluster = cluster_of(backend, name)
    _require_active(cluster)
    return cluster
