"""The bench of the tunnel carries the same both ways, and the tunnel's programs work for the tunnel alone."""

import pytest

from tests.bench.wireguard import measured, missing


def test_the_tunnel_costs_processor_time_and_the_veth_none_of_its() -> None:
    if "root" in missing():
        pytest.skip("network namespaces need root")
    assert not missing(), "`moltghost prepare --tests` installs what is missing"
    plain, tunnel = measured(seconds=0.5, turns=1)
    assert plain.bits > 0
    assert tunnel.bits > 0
    assert tunnel.tunnel_cpu_s > 10 * plain.tunnel_cpu_s
