"""What a person and a program are told of a region."""

import io
import json

from rich.console import Console

from infra.local.status import EdgeStatus, ProgramStatus, RegionStatus, TenantStatus, show


def region(deployed: bool = True, running: bool = True) -> RegionStatus:
    return RegionStatus(
        state="/state",
        deployed=deployed,
        edge=EdgeStatus("http://127.0.0.1:20012"),
        tenants=[TenantStatus("acme", "/state/keys/acme.key", "acme-local", ["helper"])] if deployed else [],
        kubeconfig="/state/kubeconfig",
        backend_url="file:///state/pulumi",
        programs=[ProgramStatus("etcd", "running", 42, "127.0.0.1:1", "/state/logs/etcd.log")] if running else [],
    )


def shown(status: RegionStatus) -> str:
    console = Console(file=io.StringIO(), width=120)
    show(status, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_programs_read_the_names_they_rely_on() -> None:
    read = json.loads(region().to_json())
    assert read["edge"]["url"] == "http://127.0.0.1:20012"
    assert read["tenants"][0]["id"] == "acme"
    assert read["tenants"][0]["key_file"] == "/state/keys/acme.key"
    assert read["tenants"][0]["agents"] == ["helper"]
    assert read["kubeconfig"] == "/state/kubeconfig"
    assert read["backend_url"] == "file:///state/pulumi"


def test_a_person_sees_what_runs_where_and_its_log() -> None:
    text = shown(region())
    for part in ("etcd", "running", "42", "/state/logs/<name>.log", "http://127.0.0.1:20012", "acme", "helper"):
        assert part in text


def test_nothing_running_and_nothing_deployed_say_what_to_do() -> None:
    assert "make up" in shown(region(running=False))
    assert "continues where it stopped" in shown(region(deployed=False))
