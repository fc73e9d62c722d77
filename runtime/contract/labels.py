"""Kubernetes label keys and values of ours. Nothing a tenant supplies may set one."""

DOMAIN = "moltghost.io"

TENANT = f"{DOMAIN}/tenant"
AGENT = f"{DOMAIN}/agent"
REGION = f"{DOMAIN}/region"
ROLE = f"{DOMAIN}/role"
GPU_CLASS = f"{DOMAIN}/gpu-class"
POOL = f"{DOMAIN}/pool"
PURPOSE = f"{DOMAIN}/purpose"
SITE = f"{DOMAIN}/site"

ROLE_AGENT = "agent"
ROLE_CONNECTOR = "connector"
ROLE_GATEWAY = "gateway"
ROLE_MONITORING = "monitoring"
ROLE_TENANT = "tenant"
ROLE_SYSTEM = "system"

SANDBOX_GROUP = "agents.x-k8s.io"
SANDBOX_VERSION = "v1beta1"
SANDBOX_PLURAL = "sandboxes"
"""The custom resource an agent is declared as, and that gateways watch."""
