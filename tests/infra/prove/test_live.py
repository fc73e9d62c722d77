"""What a probe asks of kubectl, with a cluster that answers by the book."""

import json
import os
from pathlib import Path

import pytest

from infra.prove.live import MADE_BY, Live, LiveError, LivePod
from infra.prove.probe import differences

POD = LivePod("a pod", "here", {"app": "a"}, (8080,), {"web": 8080})


def kubectl(folder: Path, namespaces: list[dict[str, object]], fail: str = "") -> Live:
    """A program that logs what it is asked, answers `get`, and fails at one command."""
    listed = {"items": namespaces}
    pods = {"items": [{"metadata": {"namespace": "here", "name": "probe-0"}, "status": {"podIP": "10.0.0.1"}}]}
    (folder / "namespaces").write_text(json.dumps(listed))
    (folder / "pods").write_text(json.dumps(pods))
    program = folder / "kubectl"
    program.write_text(
        "#!/bin/sh\nshift\n"
        f'echo "$*" >>{folder}/asked\n'
        f'[ "$1" = "{fail}" ] && {{ echo refused >&2; exit 1; }}\n'
        'case "$*" in\n"get namespaces -o name") echo namespace/default;;\n'
        f'"get namespaces"*) cat {folder}/namespaces;;\n'
        f'"get pods"*) cat {folder}/pods;;\n"apply"*) cat >>{folder}/applied;;\nesac\n'
    )
    program.chmod(0o755)
    return Live(program, Path(os.devnull), "image")


def test_what_is_made_is_taken_away(tmp_path: Path) -> None:
    live = kubectl(tmp_path, [])
    with live.pods({"here": {"team": "a"}}, [POD]) as addresses:
        assert addresses == {"a pod": "10.0.0.1"}
    applied = (tmp_path / "applied").read_text()
    assert '"team": "a"' in applied
    assert applied.count(f'"{MADE_BY}": "true"') == 2
    assert f'"readinessGates": [{{"conditionType": "{MADE_BY}"}}]' in applied
    assert "delete namespace here --wait=false --ignore-not-found" in (tmp_path / "asked").read_text().splitlines()


def test_it_is_taken_away_even_where_the_cluster_fails(tmp_path: Path) -> None:
    live = kubectl(tmp_path, [], fail="wait")
    with pytest.raises(LiveError, match=r"kubectl wait .*: refused"), live.pods({"here": {}}, [POD]):
        pass
    assert "delete namespace here" in (tmp_path / "asked").read_text()


def test_a_namespace_that_was_there_stays(tmp_path: Path) -> None:
    live = kubectl(tmp_path, [])
    pod = LivePod("a pod", "default", {}, (8080,), {})
    pods = {"items": [{"metadata": {"namespace": "default", "name": "probe-0"}, "status": {"podIP": "10.0.0.1"}}]}
    (tmp_path / "pods").write_text(json.dumps(pods))
    with live.pods({"default": {}}, [pod]):
        pass
    asked = (tmp_path / "asked").read_text()
    assert "delete namespace" not in asked
    assert f"delete pod -l {MADE_BY} -n default" in asked


def test_two_probes_do_not_take_each_others_pods_away(tmp_path: Path) -> None:
    live = kubectl(tmp_path, [{"metadata": {"name": "here"}, "status": {"phase": "Active"}}])
    with pytest.raises(LiveError, match="another probe has made here"), live.pods({"here": {}}, [POD]):
        pass
    assert "delete" not in (tmp_path / "asked").read_text()


def test_differences_name_what_is_open_first() -> None:
    said = list(differences({("a", "b", 1)}, {("b", "a", 2)}))
    assert said == ["OPEN, and declared shut: b → a at TCP 2", "shut, and declared open: a → b at TCP 1"]
