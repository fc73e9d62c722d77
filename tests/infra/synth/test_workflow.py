"""The workflow that previews pull requests: strangers' code gets no secret and no right to write."""

import re
from typing import Any

import yaml

from infra.synth.diff.render import MARK
from tests.stack_files import PROJECT

FILE = PROJECT / ".github" / "workflows" / "preview.yml"


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["jobs"]
    return found


def test_the_job_that_runs_strangers_code_can_only_read() -> None:
    records = jobs()["records"]
    assert records["permissions"] == {"contents": "read"}
    assert "secrets." not in yaml.safe_dump(records)
    checkout = records["steps"][0]
    assert checkout["with"]["persist-credentials"] is False


def test_the_job_that_may_write_runs_no_code_of_the_pull_request() -> None:
    comment = jobs()["comment"]
    assert comment["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not [step for step in comment["steps"] if "checkout" in step.get("uses", "")]
    assert "workflow_run" in comment["if"]


def test_secrets_are_for_branches_of_our_own() -> None:
    with_secrets = [name for name, job in jobs().items() if "secrets." in yaml.safe_dump(job)]
    assert with_secrets == ["engine"]
    assert "head.repo.full_name == github.repository" in jobs()["engine"]["if"]


def test_nothing_of_the_pull_request_is_pasted_into_a_script() -> None:
    for job in jobs().values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_no_pull_request_target_is_there() -> None:
    assert "pull_request_target" not in FILE.read_text()


def test_actions_are_pinned_by_digest_where_they_are_not_the_engines_own() -> None:
    used = [step["uses"] for job in jobs().values() for step in job["steps"] if "uses" in step]
    assert {each for each in used if not re.search(r"@[0-9a-f]{40}$", each)} <= {"pulumi/actions@v6"}


def test_the_comment_is_found_by_its_mark() -> None:
    assert f'startswith("{MARK}")' in FILE.read_text()
