"""Configs that must be refused: how each departs from a good one, and what must be said of it."""

from tests.infra.bad_access import ACCESS, key
from tests.infra.bad_client_cas import BAD_CLIENT_CAS
from tests.infra.bad_edge import BAD_EDGE
from tests.infra.departures import (
    AGENT,
    AT,
    PRIVATE_JWK,
    PRIVATE_PEM,
    SECRET_KEY,
    Bad,
    E,
    L,
    M,
    R,
    T,
    both,
    egress,
    put,
    rename,
    take,
)

SHAPE = [
    Bad(
        "unknown section", put({}, "moltghost:tenant"), "moltghost:tenant", ("not a setting", "Did you mean `tenants`?")
    ),
    Bad("unknown key", put(1, *AGENT, "memory_gb"), f"{AT}.memory_gb", ("Did you mean `memory_gib`?",)),
    Bad("unknown key, nothing like it", put(1, R, "zzz"), f"{R}.zzz", ("Take it out; known here are aws, backup",)),
    Bad("other namespace", put("x", "aws:region"), "aws:region", ("other namespaces are not read",)),
    Bad("no kind", take("moltghost:kind"), "moltghost:kind", ("is missing", "one of dev, global, region, tenant")),
    Bad("unknown kind", put("prod", "moltghost:kind"), "moltghost:kind", ('= "prod"', "is no kind of stack")),
    Bad("no region", take(R), R, ("is missing",)),
    Bad("region is text", put("sin", R), R, ('= "sin"', "must be a mapping")),
    Bad("no tenants", put([], T), T, ("is empty", "List 1 to 32 tenants")),
    Bad("tenants is a mapping", put({"acme": {}}, T), T, ("must be a list",)),
    Bad("no edge", take(E), E, ("is missing",)),
    Bad("missing field", take(*AGENT, "volume_gb"), f"{AT}.volume_gb", ("is missing", "e.g. `volume_gb: 50`")),
    Bad(
        "volume is text", put("50 GB", *AGENT, "volume_gb"), f"{AT}.volume_gb", ('= "50 GB"', "must be a whole number")
    ),
    Bad("volume too small", put(49, *AGENT, "volume_gb"), f"{AT}.volume_gb", ("= 49", "50 GB to 2000 GB (2 TB)")),
    Bad("volume too big", put(2001, *AGENT, "volume_gb"), f"{AT}.volume_gb", ("= 2001", "50 GB to 2000 GB (2 TB)")),
    Bad("cpu is text", put("250m", *AGENT, "cpu"), f"{AT}.cpu", ('= "250m"', "must be a number", "CPU cores")),
    Bad("no cpu", put(0, *AGENT, "cpu"), f"{AT}.cpu", ("= 0", "greater than or equal to 0.1")),
    Bad("true is no number", put(True, *AGENT, "memory_gib"), f"{AT}.memory_gib", ("= true", "must be a number")),
    Bad("unknown lifecycle", put("sleepy", *AGENT, "lifecycle"), f"{AT}.lifecycle", ("'always-on' or 'suspendable'",)),
    Bad(
        "account is a number",
        put(123456789012, R, "aws", "account_id"),
        f"{R}.aws.account_id",
        ("must be text", "quoted"),
    ),
    Bad("account is short", put("123", R, "aws", "account_id"), f"{R}.aws.account_id", ("Twelve digits",)),
    Bad("no AWS region", put("singapore", R, "aws", "region"), f"{R}.aws.region", ("Name an AWS region",)),
    Bad("two gateways", put(2, R, "gateway", "replicas"), f"{R}.gateway.replicas", ("= 2", "three gateways at least")),
    Bad("unknown spread", put("loose", R, "gateway", "spread"), f"{R}.gateway.spread", ("'strict' or 'relaxed'",)),
    Bad("no GPU classes", put({}, R, "gpu_classes"), f"{R}.gpu_classes", ("is empty", "List its GPUs by class")),
    Bad(
        "class of none",
        put(0, R, "gpu_classes", "l40s", "count"),
        f"{R}.gpu_classes.l40s.count",
        ("= 0", "one at least"),
    ),
    Bad("no lock of no days", put(0, R, "backup", "lock_days"), f"{R}.backup.lock_days", ("= 0", "1 to 3650")),
    Bad(
        "number as label", put({"cost": 7}, T, 0, "labels"), "moltghost:tenants[0].labels.cost", ("= 7", "must be text")
    ),
    Bad("zone in capitals", put("Moltghost.Test", E, "zone"), f"{E}.zone", ("in lower case",)),
    Bad("zone id is a name", put("moltghost", E, "zone_id"), f"{E}.zone_id", ("32 hexadecimal digits",)),
    Bad(
        "any origin", put(["*"], T, 0, "origins"), f"{T}[0].origins[0]", ('= "*"', "is not a web origin", "https://app")
    ),
    Bad(
        "origin with a path", put(["https://a.test/"], T, 0, "origins"), f"{T}[0].origins[0]", ("is not a web origin",)
    ),
    Bad("origin in capitals", put(["https://A.test"], T, 0, "origins"), f"{T}[0].origins[0]", ("is not a web origin",)),
    Bad("origin in the clear", put(["http://a.test"], T, 0, "origins"), f"{T}[0].origins[0]", ("is not https",)),
    Bad(
        "origin with its scheme's port",
        put(["https://a.test:443"], T, 0, "origins"),
        f"{T}[0].origins[0]",
        ("which browsers leave out",),
    ),
    Bad("port nobody has", put(["https://a.test:65536"], T, 0, "origins"), f"{T}[0].origins[0]", ("has no port",)),
    Bad(
        "origin listed twice",
        put(["https://a.test", "https://a.test"], T, 0, "origins"),
        f"{T}[0].origins[1]",
        ("is listed twice",),
    ),
    Bad(
        "hook for nobody",
        put([{"id": "crm", "agent": "nobody"}], T, 0, "hooks"),
        f"{T}[0].hooks[0].agent",
        ('= "nobody"', "is no agent of this tenant", "Name one of"),
    ),
    Bad(
        "one hook of two tenants",
        both(
            put([{"id": "crm", "agent": "helper"}], T, 0, "hooks"),
            put([{"id": "crm", "agent": "analyst"}], T, 1, "hooks"),
        ),
        f"{T}[1].hooks[0].id",
        ("is a hook's id twice", "Give each its own"),
    ),
    Bad(
        "hook with three secrets",
        put([{"id": "crm", "agent": "helper", "versions": [1, 2, 3]}], T, 0, "hooks"),
        f"{T}[0].hooks[0].versions",
        ("two while it is rotated",),
    ),
    Bad(
        "hook with one secret twice",
        put([{"id": "crm", "agent": "helper", "versions": [1, 1]}], T, 0, "hooks"),
        f"{T}[0].hooks[0].versions[1]",
        ("is listed twice",),
    ),
    Bad(
        "hook's id in capitals",
        put([{"id": "CRM", "agent": "helper"}], T, 0, "hooks"),
        f"{T}[0].hooks[0].id",
        ("is not a DNS label",),
    ),
    *(
        Bad(
            f"answers to {url}",
            put([{"id": "crm", "agent": "helper", "deliver_to": url}], T, 0, "hooks"),
            f"{T}[0].hooks[0].deliver_to",
            (why, "Give the https URL of a server on the Internet"),
        )
        for url, why in (
            ("http://crm.example.com/answers", "could be read by anybody on the way"),
            ("https://10.0.0.7/answers", "is an address of no server"),
            ("https://169.254.169.254/latest", "is an address of no server"),
            ("https://[fd00::7]/", "is an address of no server"),
            ("https://[::ffff:10.0.0.7]/", "is an address of no server"),
            ("https://167772167/", "is an address of no server"),
            ("https://0xa.0.0.0x7/", "is an address of no server"),
            ("https://10.0.0.7./", "is an address of no server"),
            ("https://me:secret@crm.example.com/", "is not the URL of a server"),
            ("https://crm.example.com/#here", "is not the URL of a server"),
            ("crm.example.com", "is not the URL of a server"),
        )
    ),
    Bad("port out of range", egress("1.1.1.0/24", (70000,)), f"{AT}.egress[0].ports[0]", ("= 70000", "1 to 65535")),
    Bad("egress without a port", egress("1.1.1.0/24", ()), f"{AT}.egress[0].ports", ("is empty",)),
]

NAMES = [
    Bad("tenant in capitals", put("Acme", T, 0, "id"), "moltghost:tenants[0].id", ('= "Acme"', "is not a DNS label")),
    Bad(
        "tenant with underscore", put("ac_me", T, 0, "id"), "moltghost:tenants[0].id", ("is not a DNS label", "hyphens")
    ),
    Bad("tenant begins with digit", put("7up", T, 0, "id"), "moltghost:tenants[0].id", ("a letter comes first",)),
    Bad("name of 64", put("a" * 64, T, 0, "id"), "moltghost:tenants[0].id", ("is 64 characters long", "at most 63")),
    Bad("derived name", put("a" * 46, *AGENT, "name"), f"{AT}.name", ("of 64 characters", "Shorten it by 1")),
    Bad("reserved tenant", rename("platform"), "moltghost:tenants[0].id", ("of the platform's own",)),
    Bad("kube tenant", rename("kube-system"), "moltghost:tenants[0].id", ("of the platform's own",)),
    Bad(
        "tenant twice",
        both(put("acme", T, 1, "id"), put("acme", M, "api_keys", 1, "tenant"), put("other", M, "api_keys", 1, "id")),
        "moltghost:tenants[1].id",
        ('= "acme"', "moltghost:tenants[0].id has it too"),
    ),
    Bad(
        "agent twice",
        lambda config: config[T][0].update(
            agents=[*config[T][0]["agents"]] * 2,
            quota={"agents": 2, "gpus": 2, "cpu": 1, "memory_gib": 6, "volumes_gb": 100},
        ),
        "moltghost:tenants[0].agents[1].name",
        ('= "helper"', "agents[0].name has it too"),
    ),
    Bad("region with a hyphen", put("sin-1", R, "name"), f"{R}.name", ("2 to 16 lower-case letters and digits",)),
    Bad(
        "host outside the zone", put("api.example.com", E, "hostname"), f"{E}.hostname", ("in the zone moltghost.test",)
    ),
    Bad(
        "reserved label",
        put({"moltghost.io/tenant": "globex"}, T, 0, "labels"),
        "moltghost:tenants[0].labels.moltghost.io/tenant",
        ("a label of the platform's own",),
    ),
    Bad(
        "reserved subdomain",
        put({"pod-security.kubernetes.io/enforce": "privileged"}, T, 0, "labels"),
        "moltghost:tenants[0].labels.pod-security.kubernetes.io/enforce",
        ("a label of the platform's own", "Take it out"),
    ),
    Bad(
        "label value", put({"cost": "a b"}, T, 0, "labels"), "moltghost:tenants[0].labels.cost", ("is no label value",)
    ),
    Bad("label key", put({"a b": "c"}, T, 0, "labels"), "moltghost:tenants[0].labels.a b", ("is no label key",)),
]

ADDRESSES = [
    Bad("no CIDR", put("pods", R, "network", "pods"), f"{R}.network.pods", ("is not a range of IPv4 addresses",)),
    Bad("IPv6", put("fd00::/8", R, "network", "pods"), f"{R}.network.pods", ("is not a range of IPv4 addresses",)),
    Bad(
        "host bits",
        put("198.18.0.1/20", R, "network", "pods"),
        f"{R}.network.pods",
        ("beyond its prefix", "198.18.0.0/20"),
    ),
    Bad(
        "pods and services",
        put("198.18.8.0/24", R, "network", "services"),
        f"{R}.network.pods",
        ("overlaps moltghost:region.network.services (198.18.8.0/24)",),
    ),
    Bad(
        "nodes in pods",
        put("198.18.0.0/28", R, "network", "nodes"),
        f"{R}.network.nodes",
        ("overlaps moltghost:region.network.pods (198.18.0.0/20)",),
    ),
    Bad("link-local pods", put("169.254.0.0/16", R, "network", "pods"), f"{R}.network.pods", ("the link-local range",)),
    Bad(
        "egress to metadata",
        egress("169.254.169.254/32"),
        f"{AT}.egress[0].cidr",
        ("metadata address 169.254.169.254",),
    ),
    Bad("egress around metadata", egress("169.0.0.0/8"), f"{AT}.egress[0].cidr", ("metadata address 169.254.169.254",)),
    Bad("egress to link-local", egress("169.254.0.0/24"), f"{AT}.egress[0].cidr", ("link-local addresses",)),
    Bad("egress to 10/8", egress("10.1.0.0/16"), f"{AT}.egress[0].cidr", ("private addresses (10.0.0.0/8)",)),
    Bad("egress to 172.16/12", egress("172.20.0.0/16"), f"{AT}.egress[0].cidr", ("private addresses (172.16.0.0/12)",)),
    Bad(
        "egress to 192.168/16",
        egress("192.168.1.0/24"),
        f"{AT}.egress[0].cidr",
        ("private addresses (192.168.0.0/16)",),
    ),
    Bad("egress around 10/8", egress("8.0.0.0/5"), f"{AT}.egress[0].cidr", ("private addresses (10.0.0.0/8)",)),
    Bad(
        "egress to carrier NAT", egress("100.64.0.0/24"), f"{AT}.egress[0].cidr", ("private addresses (100.64.0.0/10)",)
    ),
    Bad("egress to loopback", egress("127.0.0.1/32"), f"{AT}.egress[0].cidr", ("reserved addresses (127.0.0.0/8)",)),
    Bad("egress to everything", egress("0.0.0.0/0"), f"{AT}.egress[0].cidr", ("every address there is",)),
    Bad("egress to the nodes", egress("198.51.100.0/24"), f"{AT}.egress[0].cidr", ("the region's own nodes",)),
    Bad("egress to the pods", egress("198.18.1.0/24"), f"{AT}.egress[0].cidr", ("the region's own pods",)),
]

AMOUNTS = [
    Bad(
        "class not offered", put("h100", *AGENT, "gpu_class"), f"{AT}.gpu_class", ("not offered", "Choose one of l40s")
    ),
    Bad("quota of GPUs", put(0, T, 0, "quota", "gpus"), "moltghost:tenants[0].quota.gpus", ("= 0", "below the 1 GPUs")),
    Bad(
        "quota of agents", put(0, T, 0, "quota", "agents"), "moltghost:tenants[0].quota.agents", ("below the 1 agents",)
    ),
    Bad("quota of cpu", put(0.2, T, 0, "quota", "cpu"), "moltghost:tenants[0].quota.cpu", ("= 0.2", "0.25 CPU cores")),
    Bad("quota of memory", put(0.5, T, 0, "quota", "memory_gib"), "moltghost:tenants[0].quota.memory_gib", ("3 GiB",)),
    Bad("quota of volumes", put(49, T, 0, "quota", "volumes_gb"), "moltghost:tenants[0].quota.volumes_gb", ("50 GB",)),
    Bad("negative quota", put(-1, T, 1, "quota", "gpus"), "moltghost:tenants[1].quota.gpus", ("= -1",)),
    Bad(
        "more promised than there is",
        put(8, T, 1, "quota", "gpus"),
        "moltghost:tenants[1].quota.gpus",
        ("brings the GPUs promised to tenants to 9; the region has 8",),
    ),
    Bad(
        "more of a class than there is",
        put({"l40s": {"count": 1}, "a10": {"count": 7}}, R, "gpu_classes"),
        "moltghost:tenants[1].agents[0].gpu_class",
        ("one more than the 1 GPUs of this class",),
    ),
    Bad(
        "locked, and deleted with the stack",
        put(30, R, "backup", "lock_days"),
        f"{R}.backup.delete_with_stack",
        ("snapshots are locked for 30 days",),
    ),
]

AGENTS = [
    Bad(
        "model not listed",
        put("llama", *AGENT, "model"),
        f"{AT}.model",
        ('= "llama"', "is not listed", "one of the stack's models (tiny)"),
    ),
    Bad("digest is short", put("sha256:abc", L, "tiny", "digest"), f"{L}.tiny.digest", ("moltghost model digest",)),
    Bad(
        "two sources",
        both(put("weights", L, "tiny", "claim"), put(f"models/tiny@sha256:{'0' * 64}", L, "tiny", "image")),
        f"{L}.tiny",
        ("has 2 sources: image, claim",),
    ),
    Bad("no source", take(M, "models", "tiny"), f"{L}.tiny", ("has no source", "one of image, bucket, claim")),
    Bad(
        "artifact by tag",
        put("localhost/tiny:latest", L, "tiny", "image"),
        f"{L}.tiny.image",
        ("does not have the form", "by digest"),
    ),
    Bad(
        "prefix without a slash",
        put({"name": "models", "prefix": "tiny"}, L, "tiny", "bucket"),
        f"{L}.tiny.bucket.prefix",
        ("with a slash last",),
    ),
    Bad("context of nothing", put(0, *AGENT, "context_tokens"), f"{AT}.context_tokens", ("= 0", "256 to 1048576")),
    Bad("kept for ever so long", put(-2, *AGENT, "keep_alive_s"), f"{AT}.keep_alive_s", ("= -2", "-1 for good")),
    Bad("too little memory", put(1, *AGENT, "memory_gib"), f"{AT}.memory_gib", ("= 1", "2 to 4096")),
    Bad("skills of no bundle", take(M, "skills", "acme"), f"{AT}.skills", ("the tenant has no bundle",)),
    Bad(
        "skill setting is a number",
        put({"crm": {"port": 1}}, *AGENT, "skills"),
        f"{AT}.skills.crm.port",
        ("must be text",),
    ),
    Bad("secret twice", put(["a", "a"], *AGENT, "secrets"), f"{AT}.secrets[1]", ('= "a"', "is listed twice")),
    Bad(
        "the platform's secret",
        put(["receipt-key.pem"], *AGENT, "secrets"),
        f"{AT}.secrets[0]",
        ("the agent's own signing key",),
    ),
    Bad("secret as a path", put(["../key"], *AGENT, "secrets"), f"{AT}.secrets[0]", ("does not have the form",)),
    Bad(
        "tool no agent has",
        put({"allow": ["read", "sessions_send"]}, *AGENT, "tools"),
        f"{AT}.tools.allow[1]",
        ('= "sessions_send"', "another's"),
    ),
    Bad("shell unsaid", put({"allow": ["exec"]}, *AGENT, "tools"), f"{AT}.tools.allow[0]", ("Say `exec: true`",)),
    Bad(
        "tools by pattern", put({"allow": ["*"]}, *AGENT, "tools"), f"{AT}.tools.allow[0]", ("does not have the form",)
    ),
    Bad(
        "answer as long as the context",
        put(16384, *AGENT, "max_tokens"),
        f"{AT}.max_tokens",
        ("no room for a question",),
    ),
    Bad("exec is text", put({"exec": "yes"}, *AGENT, "tools"), f"{AT}.tools.exec", ("must be true or false",)),
]

LIMITS = [
    Bad(
        "limit below the range",
        put({"per_minute": 99}, T, 0, "limits"),
        "moltghost:tenants[0].limits.per_minute",
        ("= 99", "100 to 10000"),
    ),
    Bad(
        "limit above the range",
        put({"per_minute": 10_001}, T, 0, "limits"),
        "moltghost:tenants[0].limits.per_minute",
        ("= 10001", "100 to 10000"),
    ),
    Bad(
        "limit is text",
        put({"per_minute": "600"}, T, 0, "limits"),
        "moltghost:tenants[0].limits.per_minute",
        ('= "600"', "must be a whole number"),
    ),
    Bad(
        "unknown limit",
        put({"per_minut": 600}, T, 0, "limits"),
        "moltghost:tenants[0].limits.per_minut",
        ("not a setting", "Did you mean `per_minute`?"),
    ),
    Bad("no burst", put({"burst": 0}, T, 0, "limits"), "moltghost:tenants[0].limits.burst", ("= 0", "1 to 10000")),
    Bad(
        "burst above its minute",
        put({"per_minute": 200, "burst": 201}, T, 0, "limits"),
        "moltghost:tenants[0].limits.burst",
        ("= 201", "above the 200 requests of a whole minute", "Give 200 at most"),
    ),
    Bad("no streams", put({"streams": 0}, T, 0, "limits"), "moltghost:tenants[0].limits.streams", ("= 0", "at once")),
    Bad(
        "no tokens",
        put({"tokens_month": 0}, T, 0, "limits"),
        "moltghost:tenants[0].limits.tokens_month",
        ("= 0", "leave it out for no end"),
    ),
    Bad(
        "parts of tokens",
        put({"tokens_month": 1.5}, T, 0, "limits"),
        "moltghost:tenants[0].limits.tokens_month",
        ("= 1.5", "one at least"),
    ),
    Bad(
        "no money",
        put({"spend_month": 0, "price_in": 1}, T, 0, "limits"),
        "moltghost:tenants[0].limits.spend_month",
        ("= 0", "a millionth at least"),
    ),
    Bad(
        "money nothing costs",
        put({"spend_month": 10}, T, 0, "limits"),
        "moltghost:tenants[0].limits.spend_month",
        ("= 10", "never reached", "price_in or price_out"),
    ),
    Bad(
        "negative price",
        put({"price_out": -1}, T, 0, "limits"),
        "moltghost:tenants[0].limits.price_out",
        ("= -1", "zero or more"),
    ),
    *(
        Bad(
            f"key above its tenant's {name}",
            both(
                put({"per_minute": 500, "burst": 50, "streams": 5}, T, 0, "limits"),
                key(limits={name: value}),
            ),
            f"moltghost:tenants[0].api_keys[0].limits.{name}",
            (f"= {value}", "above the tenant's own", f"raise moltghost:tenants[0].limits.{name}"),
        )
        for name, value in (("per_minute", 501), ("burst", 51), ("streams", 6))
    ),
    Bad(
        "key's burst above its minute",
        key(limits={"per_minute": 100, "burst": 101}),
        "moltghost:tenants[0].api_keys[0].limits.burst",
        ("= 101", "above the 100 requests"),
    ),
    Bad(
        "key's limit below the range",
        key(limits={"per_minute": 1}),
        "moltghost:tenants[0].api_keys[0].limits.per_minute",
        ("= 1", "100 to 10000"),
    ),
    Bad(
        "endless money",
        put({"spend_month": float("inf"), "price_in": 1}, T, 0, "limits"),
        "moltghost:tenants[0].limits.spend_month",
        ("= Infinity",),
    ),
    Bad(
        "endless price",
        put({"price_out": float("inf")}, T, 0, "limits"),
        "moltghost:tenants[0].limits.price_out",
        ("= Infinity",),
    ),
    Bad(
        "less money than is counted",
        put({"spend_month": 1e-9, "price_in": 1}, T, 0, "limits"),
        "moltghost:tenants[0].limits.spend_month",
        ("a millionth at least",),
    ),
    Bad(
        "quota of a key",
        key(limits={"tokens_month": 1}),
        "moltghost:tenants[0].api_keys[0].limits.tokens_month",
        ("not a setting",),
    ),
]

SECRETS = [
    Bad("plain pepper", put("hunter2", "moltghost:keyPepper"), "moltghost:keyPepper", ("in plain text", "--secret")),
    Bad(
        "plain signing key",
        put('{"kty":"OKP","d":"very-private"}', "moltghost:edgeSigningKey"),
        "moltghost:edgeSigningKey",
        ("stands in plain text", "Take it out and make a new one"),
    ),
    Bad(
        "key as label",
        put({"key": SECRET_KEY}, T, 0, "labels"),
        "moltghost:tenants[0].labels.key",
        ("an API key in plain",),
    ),
    Bad(
        "PEM",
        put({"p": PRIVATE_PEM}, R, "storage", "parameters"),
        f"{R}.storage.parameters.p",
        ("a private key in plain",),
    ),
    Bad(
        "private JWK",
        put([PRIVATE_JWK], M, "edge_keys"),
        f"{M}.edge_keys[0]",
        ("a private JWK in plain text", "revoke it"),
    ),
    Bad(
        "AWS key",
        put({"k": "AKIA" + "A" * 16}, R, "storage", "parameters"),
        f"{R}.storage.parameters.k",
        ("an AWS access key",),
    ),
    Bad(
        "encrypted setting",
        put({"secure": "v1:x"}, "moltghost:kind"),
        "moltghost:kind",
        ("holds no secret", "plain text"),
    ),
]

MACHINES = [
    Bad("no image", take(M, "images", "agent"), f"{M}.images.agent", ("is missing", "by digest")),
    Bad(
        "image by tag",
        put("localhost/agent:latest", M, "images", "agent"),
        f"{M}.images.agent",
        ("a tag can move",),
    ),
    Bad("relative path", put("kubeconfig", M, "kubeconfig"), f"{M}.kubeconfig", ("is not an absolute path",)),
    Bad("no URL", put("127.0.0.1:1", M, "aws_endpoint"), f"{M}.aws_endpoint", ("is not the URL of a server",)),
    Bad(
        "real AWS",
        put("https://s3.example.com", M, "aws_endpoint"),
        f"{M}.aws_endpoint",
        ("not a server of this machine",),
    ),
    Bad(
        "tunnel from a pod",
        put("198.18.0.9/32", M, "tunnel_source"),
        f"{M}.tunnel_source",
        ("could pass for the tunnel",),
    ),
    Bad(
        "tunnel from a range",
        put("198.51.100.0/28", M, "tunnel_source"),
        f"{M}.tunnel_source",
        ("more than one address",),
    ),
    Bad(
        "key of nobody",
        put("umbrella", M, "api_keys", 0, "tenant"),
        f"{M}.api_keys[0].tenant",
        ("Name one of acme, globex",),
    ),
    Bad("hash is no hash", put("abc", M, "api_keys", 0, "hash"), f"{M}.api_keys[0].hash", ("never the key",)),
    Bad(
        "one hash twice",
        put("b" * 64, M, "api_keys", 0, "hash"),
        f"{M}.api_keys[1].hash",
        ("api_keys[0].hash has it too",),
    ),
    Bad("wrong curve", put("P-256", M, "edge_keys", 0, "crv"), f"{M}.edge_keys[0].crv", ("Edge keys are Ed25519",)),
    Bad("no edge key", put([], M, "edge_keys"), f"{M}.edge_keys", ("is empty", "one public key at least")),
]

BAD = [*SHAPE, *NAMES, *ADDRESSES, *AMOUNTS, *AGENTS, *LIMITS, *SECRETS, *MACHINES, *ACCESS, *BAD_EDGE, *BAD_CLIENT_CAS]
