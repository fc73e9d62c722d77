"""Two revisions of a project in git, each recorded by its own code."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.synth.diff.compare import Action
from infra.synth.diff.report import make_report
from infra.synth.diff.revisions import EDGE, RevisionError, record_both, working_tree
from tests.infra.fleets import change_stack
from tests.stack_files import PROJECT

PARTS = ("infra", "components", "runtime", "policies", "pyproject.toml", "Pulumi.yaml", "Pulumi.global.yaml")
LEFT = shutil.ignore_patterns("__pycache__", "node_modules", "dist")


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of this project's code, with one stack file."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, folder / part, ignore=LEFT)
        else:
            shutil.copy(PROJECT / part, folder / part)
    shutil.copytree(PROJECT / EDGE, folder / EDGE, ignore=LEFT)
    (folder / ".gitignore").write_text("node_modules\ndist/\n__pycache__/\n")
    (folder / EDGE / "node_modules").symlink_to(PROJECT / EDGE / "node_modules")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")
    return folder


def test_each_revision_is_recorded_by_its_own_code(project: Path) -> None:
    git(project, "checkout", "--quiet", "-B", "code")
    file = project / "infra" / "stacks" / "everywhere.py"
    file.write_text(
        file.read_text().replace(
            "account_id=settings.edge.account_id,\n        hostname", "account_id='other',\n        hostname"
        )
    )
    worker = project / EDGE / "src" / "index.ts"
    worker.write_text(f"{worker.read_text()}\nexport const marker = 'another revision'\n")
    change_stack(project, "global", lambda config: config["moltghost:edge"].update(hostname="other.moltghost.example"))
    git(project, "commit", "--quiet", "--all", "--message", "change")
    before, after = record_both(project, "main", "code", None)
    assert (before.name, after.name) == ("main", "code")
    assert before.stacks["global"].outputs["account_id"] != "other" == after.stacks["global"].outputs["account_id"]
    report = make_report((before.name, before.stacks, before.usage), (after.name, after.stacks, after.usage))
    changed = {each.type.rpartition(":")[2]: each for each in report.groups}
    assert {"WorkersScript", "DnsRecord"} <= changed.keys()
    assert all(each.action is Action.UPDATE for each in report.groups)
    assert any(field.path == "content" for field in changed["WorkersScript"].variants[0].fields)
    assert git(project, "worktree", "list").count("\n") == 0


def test_what_the_working_tree_has_is_compared_and_left_as_it_is(project: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    assert working_tree(project) == git(project, "rev-parse", "HEAD")
    change_stack(project, "global", lambda config: config["moltghost:edge"].update(hostname="other.moltghost.example"))
    try:
        dirty = git(project, "status", "--porcelain")
        assert working_tree(project) != git(project, "rev-parse", "HEAD")
        assert git(project, "status", "--porcelain") == dirty
    finally:
        git(project, "checkout", "--quiet", "--", ".")


def test_a_revision_that_fails_is_named_with_its_error(project: Path) -> None:
    git(project, "checkout", "--quiet", "-B", "broken", "main")
    change_stack(project, "global", lambda config: config["moltghost:edge"].update(hostname="no domain"))
    git(project, "commit", "--quiet", "--all", "--message", "broken")
    with pytest.raises(RevisionError, match=r"broken: global: (.|\n)*moltghost:edge.hostname"):
        record_both(project, "main", "broken", None)
    assert git(project, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("revision", ["nothing-of-the-kind", "--upload-pack=x"])
def test_what_is_no_revision_is_refused(project: Path, revision: str) -> None:
    with pytest.raises(RevisionError, match="git rev-parse"):
        record_both(project, revision, None, None)


def test_a_revision_older_than_records_is_said_so(project: Path) -> None:
    git(project, "checkout", "--quiet", "-B", "old", "main")
    (project / "infra" / "synth" / "revision.py").unlink()
    git(project, "commit", "--quiet", "--all", "--message", "old")
    with pytest.raises(RevisionError, match="old: its code cannot record stacks yet"):
        record_both(project, "old", "main", None)


def test_no_credential_reaches_a_revisions_code(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "checkout", "--quiet", "-B", "spy", "main")
    file = project / "infra" / "synth" / "revision.py"
    file.write_text("import json, os, sys\nsys.exit(json.dumps(dict(os.environ)))\n")
    git(project, "commit", "--quiet", "--all", "--message", "spy")
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "HOME"):
        monkeypatch.setenv(name, "mine")
    with pytest.raises(RevisionError) as raised:
        record_both(project, "spy", "spy", None)
    assert "PYTHONPATH" in str(raised.value)
    assert "mine" not in str(raised.value)
