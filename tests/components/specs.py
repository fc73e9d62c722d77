"""One good spec of every kind, for tests to depart from."""

from ipaddress import IPv4Network

from components.agent.openclaw_spec import SkillUse
from components.agent.spec import AgentSpec, EgressSpec, ImageSource, Lifecycle, ModelSpec, SkillFile, SkillsSpec
from components.backup.spec import BackupSpec, ReplicationSpec, bucket_arn
from components.cluster.devices_spec import DevicesSpec
from components.cluster.eks_spec import AddonVersions, EksSpec
from components.cluster.pools_spec import Block, PoolSpec, PoolsSpec, Reservation
from components.cluster.site_nodes_spec import SiteMachinesSpec, SiteNodesSpec
from components.cluster.spec import ClusterSpec, StorageSpec
from components.control_plane.spec import GatewaySpec
from components.database.spec import DatabaseSpec
from components.edge.client_certificates_spec import ClientCaSpec, ClientCertificatesSpec
from components.edge.operations_spec import ConsoleSpec, LogsSpec
from components.edge.origin_spec import OriginSpec
from components.edge.rollout_spec import RolloutSpec
from components.edge.spec import EdgeSpec, RegionSpec
from components.edge.steering_spec import SteeringSpec
from components.edge.tenant_edge_spec import (
    ApiKeySpec,
    CertificateSpec,
    HookSpec,
    IssuerSpec,
    RouteSpec,
    TenantEdgeSpec,
)
from components.edge.zone_spec import FirewallSpec, ZoneSpec
from components.ingress.spec import ConnectorSpec
from components.labels import AgentId, Region, TenantId
from components.models.spec import BucketModelSpec
from components.network.spec import TUNNEL, NetworkSpec
from components.network.spec import EgressSpec as NetworkEgressSpec
from components.tenant.spec import KeyReplicaSpec, QuotaSpec, TenantKeySpec, TenantSpec
from tests import authorities

SIN, JKT = Region("sin"), Region("jkt")
ACME, GLOBEX = TenantId("acme"), TenantId("globex")
IMAGE = "registry.example.com/moltghost/runtime@sha256:" + "ab" * 32
EDGE_KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "A" * 43}]}
NODES = IPv4Network("10.20.0.0/20")
ACCOUNT = "123456789012"
BUCKET, OTHER_BUCKET = "moltghost-acme-sin-snapshots", "moltghost-acme-jkt-snapshots"

AGENT = AgentSpec(
    tenant=ACME,
    region=SIN,
    name=AgentId("helper"),
    namespace="acme-sin-agents",
    image=IMAGE,
    model=ModelSpec(
        name="tiny",
        digest="sha256:" + "cd" * 32,
        source=ImageSource(reference="registry.example.com/models/tiny@sha256:" + "ef" * 32),
        context_tokens=16384,
        max_tokens=4096,
        keep_alive_s=-1,
    ),
    skills=SkillsSpec(
        key="A" * 43 + "=",
        digest="12" * 32,
        files=(
            SkillFile(key="manifest.json", path="manifest.json", content="e30="),
            SkillFile(key="crm.dist.index.js", path="crm/dist/index.js", content="Ly8="),
        ),
        enabled=(SkillUse(id="crm", config={"baseUrl": "https://crm.example.com"}, instructions=("crm",)),),
    ),
    secrets=("receipt-key.pem", "crm-token"),
    gpu_class="l40s",
    cpu=4,
    memory_gib=24,
    volume_gb=200,
    egress=(EgressSpec(cidr=IPv4Network("1.1.1.0/24"), ports=(443, 8443)),),
    never=(IPv4Network("10.0.0.0/8"), IPv4Network("169.254.0.0/16")),
    lifecycle=Lifecycle.ALWAYS_ON,
    edge_keys=EDGE_KEYS,
    storage_class="moltghost-agent-data",
    priority_class="moltghost-agent",
    service_account="agent",
)
BACKUP = BackupSpec(
    bucket=BUCKET,
    tenant=ACME,
    region=SIN,
    aws_region="ap-southeast-1",
    account_id=ACCOUNT,
    noncurrent_days=30,
)
REPLICATION = ReplicationSpec(
    tenant=ACME,
    region=SIN,
    aws_region="ap-southeast-1",
    account_id=ACCOUNT,
    bucket=BUCKET,
    to_region=JKT,
    to_aws_region="ap-southeast-3",
    to_bucket=OTHER_BUCKET,
)
BUCKET_MODEL = BucketModelSpec(
    tenant=ACME,
    region=SIN,
    namespace="acme-sin-agents",
    model="llama",
    bucket="example-models",
    prefix="llama/70b/",
    aws_region="ap-southeast-1",
)
CLUSTER = ClusterSpec(
    region=SIN,
    controller_image=IMAGE,
    api_server_nodes=NODES,
    api_server_port=6443,
    storage=StorageSpec(provisioner="ebs.csi.aws.com", parameters={"type": "gp3"}),
)
NETWORK = NetworkSpec(
    region=SIN,
    aws_region="ap-southeast-1",
    account_id=ACCOUNT,
    block=IPv4Network("10.16.0.0/14"),
    zones=("ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"),
    egress=(*TUNNEL, NetworkEgressSpec(name="crm", range=IPv4Network("1.1.1.0/24"), ports=(443, 8443))),
    mesh_ranges=(IPv4Network("10.20.0.0/14"),),
    mesh_ports=(9443,),
)
GATEWAY = GatewaySpec(
    region=SIN,
    namespace="moltghost-system",
    image=IMAGE,
    replicas=3,
    spread="strict",
    priority_class="moltghost-platform",
    tunnel_source=IPv4Network("10.20.0.1/32"),
    api_server_nodes=NODES,
    api_server_port=6443,
    edge_keys=EDGE_KEYS,
)
DATABASE = DatabaseSpec(region=SIN, aws_region="ap-southeast-1", account_id=ACCOUNT, identifier="moltghost-sin")
EDGE = EdgeSpec(
    region=SIN,
    account_id="0" * 32,
    zone_id="1" * 32,
    hostname="api.example.com",
    script_name="platform-sin-edge",
    script="export default {}",
    regions={
        SIN: RegionSpec(origin="http://127.0.0.1:20013", near=("SIN", "AS")),
        JKT: RegionSpec(origin="https://gateway.jkt.example.com", near=("CGK",)),
    },
)
TENANT_EDGE = TenantEdgeSpec(
    tenant=ACME,
    region=SIN,
    account_id="0" * 32,
    routes=(RouteSpec(agent=AgentId("helper"), regions=(SIN, JKT), model="tiny"),),
    api_keys=(
        ApiKeySpec(id="default", hash="a" * 64),
        ApiKeySpec(
            id="ci",
            hash="b" * 64,
            agents=("helper",),
            models=("tiny",),
            methods=("chat", "models"),
            expires=1_900_000_000,
            cidrs=("203.0.113.0/24", "2001:db8::/32"),
        ),
    ),
    certificates=(CertificateSpec(id="vpc", common_name="vpc.acme.example", authority="A5" * 20, methods=("chat",)),),
    issuers=(
        IssuerSpec(
            id="login",
            issuer="https://login.acme.example",
            jwks="https://login.acme.example/jwks.json",
            algorithm="RS256",
            audience="moltghost",
            scope_claim="scope",
        ),
    ),
    hooks=(HookSpec(id="crm", agent=AgentId("helper")),),
    origins=("https://app.acme.example", "http://localhost:3000"),
)
ZONE = ZoneSpec(
    region=SIN,
    zone_id="1" * 32,
    zone="example.com",
    hostname="api.example.com",
    console="console.example.com",
    origins=("sin.origin.example.com",),
    firewall=FirewallSpec(owasp_threshold=40, paranoia_level=1, requests_per_minute=30_000, failures_per_minute=60),
)
CLIENT_CERTIFICATES = ClientCertificatesSpec(
    region=SIN,
    account_id="0" * 32,
    zone_id="1" * 32,
    hostname="api.example.com",
    cas=(
        ClientCaSpec(id="acme", certificate=authorities.FIXED),
        ClientCaSpec(id="acme-2025", certificate=authorities.FIXED_OTHER, trusted=False),
    ),
)
ORIGIN = OriginSpec(
    region=SIN,
    account_id="0" * 32,
    zone_id="1" * 32,
    hostname="sin.origin.example.com",
    service="http://gateway.moltghost-system.svc.cluster.local",
    latitude=1.35,
    longitude=103.82,
)
CONSOLE = ConsoleSpec(
    region=SIN,
    account_id="0" * 32,
    hostname="console.example.com",
    email_domains=("example.com", "example.net"),
    session_hours=8,
)
LOGS = LogsSpec(
    region=SIN,
    account_id="0" * 32,
    zone_id="1" * 32,
    script_name="platform-sin-edge",
    requests="s3://example-logs/edge/{DATE}?region=ap-southeast-1",
    worker="s3://example-logs/worker/{DATE}?region=ap-southeast-1",
)
STEERING = SteeringSpec(region=SIN, zone_id="1" * 32, hostname="regions.example.com", preferred=(SIN, JKT))
ROLLOUT = RolloutSpec(
    region=SIN,
    account_id="0" * 32,
    script="export default { fetch: () => new Response() }",
    bindings=("ROUTES", "KEYS", "KEY_PEPPER", "EDGE_SIGNING_KEY"),
    stable="00000000-0000-4000-8000-000000000001",
    percent=10,
)
CONNECTOR = ConnectorSpec(
    region=SIN,
    namespace="moltghost-system",
    image="registry.example.com/cloudflare/cloudflared@sha256:" + "34" * 32,
    spread="strict",
    priority_class="moltghost-platform",
)
TENANT = TenantSpec(
    tenant=ACME,
    region=SIN,
    namespace="acme-sin-agents",
    quota=QuotaSpec(agents=2, gpus=2, cpu=8, memory_gib=48, volumes_gb=400),
    supplied_labels={"cost-center": "42"},
    gateway_namespace="moltghost-system",
    monitoring_namespace="monitoring",
)
TENANT_KEY = TenantKeySpec(
    tenant=ACME,
    region=SIN,
    aws_region="ap-southeast-1",
    account_id=ACCOUNT,
    bucket_arn=bucket_arn(BUCKET),
    replica=KeyReplicaSpec(region=JKT, aws_region="ap-southeast-3", bucket_arn=bucket_arn(OTHER_BUCKET)),
)
USE1 = Region("use1")
EKS = EksSpec(
    region=USE1,
    aws_region="us-east-1",
    account_id=ACCOUNT,
    name="platform-use1-cluster",
    version="1.36",
    service_cidr=IPv4Network("10.67.0.0/20"),
    pod_cidr=IPv4Network("10.66.0.0/16"),
    admins=(f"arn:aws:iam::{ACCOUNT}:role/deployer", f"arn:aws:iam::{ACCOUNT}:role/on-call"),
    api_sources=(IPv4Network("10.67.128.0/24"),),
    addons=AddonVersions(
        coredns="v1.14.2-eksbuild.1",
        pod_identity_agent="v1.3.10-eksbuild.2",
        ebs_csi="v1.56.0-eksbuild.1",
        s3_csi="v2.4.0-eksbuild.1",
    ),
    model_buckets=("example-models",),
    log_retention_days=365,
)
RELEASE = "1.36.2-20260728"
SYSTEM_POOL = PoolSpec(
    name="system",
    purpose="system",
    instance_type="m7i.xlarge",
    zones=("us-east-1a", "us-east-1b", "us-east-1c"),
    min_nodes=3,
    max_nodes=6,
    version="1.36",
    release=RELEASE,
)
MEMORY_POOL = SYSTEM_POOL.model_copy(
    update={"name": "epyc", "purpose": "memory", "instance_type": "r7a.8xlarge", "min_nodes": 0, "max_nodes": 3}
)
L40S_POOL = SYSTEM_POOL.model_copy(
    update={
        "name": "agents-l40s",
        "purpose": "gpu",
        "gpu_class": "l40s",
        "instance_type": "g6e.12xlarge",
        "min_nodes": 0,
        "max_nodes": 7,
    }
)
A100_POOL = L40S_POOL.model_copy(
    update={
        "name": "agents-a100",
        "gpu_class": "a100",
        "instance_type": "p4d.24xlarge",
        "zones": ("us-east-1a",),
        "capacity": Reservation(id="cr-0123456789abcdef0"),
        "tenant": ACME,
        "storage": "local",
        "min_nodes": 2,
        "max_nodes": 2,
    }
)
H100_POOL = A100_POOL.model_copy(
    update={
        "name": "agents-h100",
        "gpu_class": "h100",
        "instance_type": "p5.48xlarge",
        "capacity": Block(id="cr-0fedcba9876543210"),
        "tenant": None,
        "storage": "network",
        "min_nodes": 0,
    }
)
POOLS = PoolsSpec(
    region=USE1,
    aws_region="us-east-1",
    account_id=ACCOUNT,
    cluster=EKS.name,
    cluster_version="1.36",
    pools=(H100_POOL, A100_POOL, L40S_POOL, MEMORY_POOL, SYSTEM_POOL),
)
SITE_NODES = SiteNodesSpec(
    region=USE1,
    aws_region="us-east-1",
    account_id=ACCOUNT,
    cluster=EKS.name,
    sites=(SiteMachinesSpec(site="dc1", gpu_class="l40s"), SiteMachinesSpec(site="dc2", gpu_class="h100")),
)
DEVICES = DevicesSpec(
    region=USE1,
    aws_region="us-east-1",
    cluster=EKS.name,
    api_server_nodes=IPv4Network("10.64.0.0/16"),
    device_plugin_image="registry.example.com/nvidia/k8s-device-plugin:v0.19.3@sha256:" + "56" * 32,
    autoscaler_image="registry.example.com/autoscaling/cluster-autoscaler:v1.36.0@sha256:" + "78" * 32,
    local_disks_image="registry.example.com/sig-storage/local-volume-provisioner:v2.8.0@sha256:" + "9a" * 32,
)
