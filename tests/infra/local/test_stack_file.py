"""The stack file of this machine: the committed one, the overlay, and the secrets it already had."""

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.local.stack_file import SECRET_SETTINGS, merge, write_stack_file

VALUES = st.recursive(
    st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.text(max_size=2), inner), max_leaves=8
)
MAPPINGS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


@given(MAPPINGS, MAPPINGS)
def test_the_overlay_wins_and_nothing_else_is_lost(base: dict[str, object], overlay: dict[str, object]) -> None:
    merged = merge(base, overlay)
    assert set(merged) == set(base) | set(overlay)
    assert all(merged[key] == base[key] for key in set(base) - set(overlay))
    assert merge(merged, overlay) == merged


def test_mappings_merge_and_lists_are_replaced() -> None:
    base = {"region": {"name": "local", "gpus": [1, 2]}}
    assert merge(base, {"region": {"gpus": [3]}}) == {"region": {"name": "local", "gpus": [3]}}


def test_the_file_says_which_secrets_it_lacks_and_keeps_those_it_has(tmp_path: Path) -> None:
    committed, target = tmp_path / "Pulumi.dev.yaml", tmp_path / "state.yaml"
    committed.write_text("config:\n  moltghost:kind: dev\n")
    assert write_stack_file(committed, {"moltghost:machine": {"a": 1}}, target) == set(SECRET_SETTINGS)

    stack = yaml.safe_load(target.read_text())
    stack["config"][SECRET_SETTINGS[0]] = {"secure": "v1:abc"}
    stack["encryptionsalt"] = "v1:salt"
    target.write_text(yaml.safe_dump(stack))

    assert write_stack_file(committed, {"moltghost:machine": {"a": 2}}, target) == set(SECRET_SETTINGS[1:])
    written = yaml.safe_load(target.read_text())
    assert written["config"]["moltghost:machine"] == {"a": 2}
    assert written["config"][SECRET_SETTINGS[0]] == {"secure": "v1:abc"}
    assert written["encryptionsalt"] == "v1:salt"
    assert target.stat().st_mode & 0o777 == 0o600
