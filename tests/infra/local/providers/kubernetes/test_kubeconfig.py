"""Kubeconfigs, by path and as text."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.providers.base import InvalidInputsError
from infra.local.providers.kubernetes.kubeconfig import KubeconfigError, load
from infra.local.providers.kubernetes.provider import KubernetesProvider


def config(**user: Any) -> dict[str, Any]:
    return {
        "current-context": "a",
        "contexts": [
            {"name": "a", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
            {"name": "b", "context": {"cluster": "gone", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
    }


def test_by_path_and_as_text(tmp_path: Path) -> None:
    text = yaml.safe_dump(config())
    (tmp_path / "kubeconfig").write_text(text)
    for given in (text, str(tmp_path / "kubeconfig")):
        access = load(given)
        assert access.server == "http://127.0.0.1:1"
        assert access.headers == {"Authorization": "Bearer t"}
        assert access.namespace == "team"


@pytest.mark.parametrize(
    ("text", "context", "says"),
    [
        ("/nowhere/kubeconfig", None, "does not exist"),
        ("a: [\n", None, "not YAML"),
        (yaml.safe_dump(config()), "b", "'gone'"),
        (yaml.safe_dump(config()), "z", "'z'"),
        (yaml.safe_dump(config(exec={"command": "x"})), None, "exec.command"),
    ],
)
def test_what_is_wrong_is_named(text: str, context: str | None, says: str) -> None:
    with pytest.raises(KubeconfigError, match=says):
        load(text, context)


def test_settings_this_provider_lacks_are_refused() -> None:
    with pytest.raises(InvalidInputsError, match="enableServerSideApply"):
        KubernetesProvider().check_config({"enableServerSideApply": "false"})
    assert KubernetesProvider().check_config({"enableServerSideApply": "true"}) == {"enableServerSideApply": "true"}
