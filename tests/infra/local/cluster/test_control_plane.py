"""The control plane's command lines: bound where they may be, every connection authenticated."""

from pathlib import Path

import pytest
import yaml

from infra.local.cluster.addresses import Addresses
from infra.local.cluster.control_plane import ControlPlane, make_credentials
from infra.local.cluster.layout import Layout
from infra.local.supervisord import Program

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.fixture
def plane(tmp_path: Path) -> ControlPlane:
    layout, addresses = Layout(tmp_path), Addresses(3)
    tools = {name: Path("/tools") / name for name in NAMES}
    return ControlPlane(tools, layout, addresses, make_credentials(layout, addresses), "127.0.0.1")


def flags(program: Program) -> dict[str, str]:
    return dict(argument.removeprefix("--").split("=", 1) for argument in program.argv[1:])


def apiserver(plane: ControlPlane, *, advertise: bool) -> dict[str, str]:
    return flags(plane.apiserver(plane.credentials.authority.client("admin"), advertise=advertise))


def test_everything_listens_where_it_was_told(plane: ControlPlane) -> None:
    api, etcd = apiserver(plane, advertise=False), flags(plane.etcd())
    assert (api["bind-address"], api["secure-port"]) == ("127.0.0.1", "20303")
    assert etcd["listen-client-urls"] == "https://127.0.0.1:20301"
    for program in (plane.controller_manager(), plane.scheduler()):
        assert flags(program)["bind-address"] == "127.0.0.1"


def test_nobody_gets_in_without_a_certificate(plane: ControlPlane) -> None:
    api, etcd = apiserver(plane, advertise=False), flags(plane.etcd())
    assert api["anonymous-auth"] == "false"
    assert api["authorization-mode"] == "Node,RBAC"
    assert "NodeRestriction" in api["enable-admission-plugins"]
    assert (etcd["client-cert-auth"], etcd["peer-client-cert-auth"]) == ("true", "true")


def test_etcd_trusts_no_client_of_the_cluster(plane: ControlPlane) -> None:
    api, etcd = apiserver(plane, advertise=False), flags(plane.etcd())
    assert Path(etcd["trusted-ca-file"]).read_bytes() != Path(api["client-ca-file"]).read_bytes()


def test_only_an_address_pods_can_reach_is_advertised(plane: ControlPlane) -> None:
    assert "advertise-address" not in apiserver(plane, advertise=False)
    assert apiserver(plane, advertise=False)["endpoint-reconciler-type"] == "none"
    assert apiserver(plane, advertise=True)["advertise-address"] == plane.host


def test_service_account_tokens_are_signed_with_the_key_they_are_verified_with(plane: ControlPlane) -> None:
    api, manager = apiserver(plane, advertise=False), flags(plane.controller_manager())
    assert api["service-account-signing-key-file"] == manager["service-account-private-key-file"]


def test_a_kubeconfig_is_whole_private_and_stable(plane: ControlPlane) -> None:
    path = plane.kubeconfig("somebody", "some-group")
    written = path.stat().st_mtime_ns
    config = yaml.safe_load(path.read_text())
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:20303"
    assert path.stat().st_mode & 0o777 == 0o600
    assert plane.kubeconfig("somebody", "some-group").stat().st_mtime_ns == written
