"""Who may reach the gateway, and whom it may reach."""

from typing import Any

from components.control_plane.manifests import own_labels, selector
from components.control_plane.spec import GatewaySpec
from components.hardening import default_deny, dns_egress, network_policy, tcp
from components.values import Manifest
from runtime.contract import labels, ports


def build_policies(spec: GatewaySpec) -> list[Manifest]:
    """In: the tunnel. Out: agents' one port, the API server, the cluster's DNS. Nothing else either way."""
    gateways = {"podSelector": {"matchLabels": selector()}}
    agents = {
        "namespaceSelector": {"matchExpressions": [{"key": labels.TENANT, "operator": "Exists"}]},
        "podSelector": {"matchLabels": {labels.ROLE: labels.ROLE_AGENT}},
    }
    api_server = {"ipBlock": {"cidr": str(spec.api_server_nodes)}}
    bodies = {
        **_from_outside(spec),
        "gateway-to-agents": {"egress": [{"to": [agents], "ports": [tcp(ports.AGENT)]}]},
        "gateway-to-cluster": {
            "egress": [{"to": [api_server], "ports": [tcp(spec.api_server_port)]}, dns_egress()],
        },
    }
    own = own_labels(spec)
    return [
        default_deny(spec.namespace, own),
        *(
            network_policy(
                name,
                spec.namespace,
                own,
                {**gateways, "policyTypes": ["Ingress" if "ingress" in body else "Egress"], **body},
            )
            for name, body in bodies.items()
        ),
    ]


def _from_outside(spec: GatewaySpec) -> dict[str, Any]:
    if spec.tunnel_source is None:
        return {}
    tunnel = {"ipBlock": {"cidr": str(spec.tunnel_source)}}
    return {"tunnel-to-gateway": {"ingress": [{"from": [tunnel], "ports": [tcp(ports.GATEWAY)]}]}}
