"""What a region tells the stack of the machine it is on."""

import json
import os
from pathlib import Path

import pytest
import yaml

from infra.local.images import Image
from infra.local.machine import Mode
from infra.local.region import LocalRegion, Prepared
from infra.settings import ConfigError, DevSettings, load_settings

DIGEST = "sha256:" + "0" * 64
IMAGES = {
    name: Image(name, DIGEST, Path("/none"), f"localhost/moltghost/{name}:tag")
    for name in ("agent", "platform", "model-tiny", "agent-sandbox-controller")
}
SKILLS = {"acme": {"bundle": "/none/crm.skills.tar.gz", "key": "A" * 43 + "="}}


class QuietEngine:
    """Takes secrets, and keeps them."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def prepare(self) -> None:
        """Nothing to prepare."""

    def set_secret(self, key: str, value: str) -> None:
        """Keep a secret that has a value."""
        assert value
        self.secrets[key] = value


def written(region: LocalRegion) -> QuietEngine:
    """Write the region's stack file without an engine."""
    engine = QuietEngine()
    region.__dict__["engine"] = engine
    region.state.mkdir()
    region._write_stack_file(Prepared({}, IMAGES, SKILLS))
    return engine


@pytest.mark.parametrize("slot", [0, 3])
def test_the_stack_file_is_whole_and_of_its_slot(tmp_path: Path, slot: int) -> None:
    region = LocalRegion(tmp_path / "state", slot, Mode.REAL)
    engine = written(region)
    settings = load_settings(region.stack_file, DevSettings)
    assert settings.region.network.pods == region.addresses.pods
    assert settings.machine is not None
    assert settings.machine.images.agent == f"localhost/moltghost/agent@{DIGEST}"
    assert settings.machine.models == {"tiny": f"localhost/moltghost/model-tiny@{DIGEST}"}
    assert settings.machine.skills["acme"].bundle == SKILLS["acme"]["bundle"]
    assert {key.tenant for key in settings.machine.api_keys} == {tenant.id for tenant in settings.tenants}
    assert sorted(engine.secrets) == ["moltghost:agentSecrets", "moltghost:edgeSigningKey", "moltghost:keyPepper"]
    assert region.credentials.pepper() not in region.stack_file.read_text()


def test_a_simulated_region_names_images_nobody_built(tmp_path: Path) -> None:
    region = LocalRegion(tmp_path / "state", 1, Mode.SIMULATED)
    written(region)
    machine = load_settings(region.stack_file, DevSettings).machine
    assert machine is not None
    assert machine.images.agent.startswith("localhost/moltghost/agent@sha256:")
    assert DIGEST not in machine.images.agent


def test_every_agent_has_secrets_of_its_own_that_stay(tmp_path: Path) -> None:
    region = LocalRegion(tmp_path / "state", 1, Mode.REAL)
    text = written(region).secrets["moltghost:agentSecrets"]
    held = json.loads(text)
    assert set(held) == {"acme/helper", "globex/analyst"}
    assert set(held["acme/helper"]) == {"receipt-key.pem", "crm-token"}
    values = [value for own in held.values() for value in own.values()]
    assert len(set(values)) == len(values)
    again = region._agent_secrets(load_settings(region.stack_file, DevSettings).tenants)
    assert again == text


def test_of_a_given_cluster_the_stack_file_itself_must_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    monkeypatch.setitem(os.environ, "KUBECONFIG", str(kubeconfig))
    region = LocalRegion(tmp_path / "state", 1, Mode.GIVEN)
    with pytest.raises(ConfigError) as missing:
        written(region)
    assert {problem.path for problem in missing.value.problems} == {
        "moltghost:machine.images",
        "moltghost:machine.tunnel_source",
    }
    stack = yaml.safe_load(region.stack_file.read_text())
    assert stack["config"]["moltghost:region"]["network"]["pods"] == "198.18.0.0/20", "the committed one stays"
