"""What a network's spec refuses."""

from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import ValidationError

from components.network.spec import EgressSpec, NetworkSpec
from tests.components.specs import NETWORK


def changed(**fields: Any) -> NetworkSpec:
    return NetworkSpec.model_validate({**{name: getattr(NETWORK, name) for name in NetworkSpec.model_fields}, **fields})


def test_the_example_is_taken() -> None:
    assert changed() == NETWORK


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"block": IPv4Network("10.0.0.0/20")}, "block\n.*too small for a region"),
        ({"zones": ("ap-southeast-1a", "ap-southeast-1b")}, "zones\n.*at least 3"),
        ({"zones": ("ap-southeast-1a",) * 3}, "zones: the same name twice"),
        ({"zones": ("ap-southeast-1a", "ap-southeast-1b", "us-east-1a")}, "us-east-1a is not of ap-southeast-1"),
        ({"zones": tuple(f"ap-southeast-1{letter}" for letter in "abcde")}, "zones\n.*at most 4"),
        ({"egress": NETWORK.egress * 2}, "egress: the same name twice"),
        ({"wireguard_ports": (2, 1)}, "wireguard_ports: 2 comes after 1"),
        ({"mesh_ranges": (IPv4Network("10.16.128.0/20"),)}, "mesh_ranges: .* overlaps the region's own block"),
        ({"account_id": "12345"}, "account_id"),
        ({"services": ("sqs",)}, "services"),
        ({"flow_log_retention_days": 91}, "flow_log_retention_days"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_its_field(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        changed(**fields)


@pytest.mark.parametrize("network", ["10.0.0.0/8", "169.254.169.254/32", "192.168.1.0/24", "127.0.0.0/8"])
def test_nodes_are_let_out_to_public_ranges_only(network: str) -> None:
    with pytest.raises(ValidationError, match="is not public"):
        EgressSpec(name="inside", range=IPv4Network(network), ports=(443,))
