"""What the engine makes of the region over its life: no change, one change, drift, a violent death, the end."""

import json
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from infra.local.progress import Steps
from infra.local.region import LocalRegion
from infra.settings import DevSettings, load_settings
from tests.e2e.conftest import Cluster, Customer, aws
from tests.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

KILLS = 10
CREATED = re.compile(r"^ \+ +(?P<type>\S+) (?P<name>\S+) created")


def changes(region: LocalRegion) -> dict[str, str]:
    """What a preview would do, by resource name."""
    return {
        step["urn"].rsplit("::", 1)[1]: step["op"]
        for step in region.engine.preview_json()["steps"]
        if step["op"] != "same"
    }


def test_a_second_preview_shows_no_change(region: LocalRegion) -> None:
    assert changes(region) == {}


def test_one_changed_field_shows_exactly_that_change(region: LocalRegion) -> None:
    settings = region.stack_file.read_text()
    stack = yaml.safe_load(settings)
    stack["config"]["moltghost:tenants"][0]["quota"]["cpu"] += 1
    region.stack_file.write_text(yaml.safe_dump(stack, sort_keys=False))
    try:
        steps = [step for step in region.engine.preview_json()["steps"] if step["op"] != "same"]
    finally:
        region.stack_file.write_text(settings)
    assert [step["op"] for step in steps] == ["update"]
    assert "ResourceQuota" in steps[0]["urn"]
    assert all("cpu" in path for path in steps[0]["detailedDiff"]), steps[0]["detailedDiff"]


def test_hand_made_drift_shows_after_a_refresh_and_up_mends_it(
    region: LocalRegion, cluster: Cluster, customers: dict[str, Customer]
) -> None:
    namespace = customers["acme"].namespace
    quota = json.loads(cluster.kubectl("get", "resourcequota", "-n", namespace, "-o", "json"))["items"][0]
    patch = json.dumps({"spec": {"hard": {"pods": "99"}}})
    name = quota["metadata"]["name"]
    cluster.kubectl("patch", "resourcequota", name, "-n", namespace, "--type=merge", "-p", patch)

    region.engine.refresh()

    assert list(changes(region).values()) == ["update"]
    region.engine.up()
    mended = json.loads(cluster.kubectl("get", "resourcequota", name, "-n", namespace, "-o", "json"))
    assert mended["spec"] == quota["spec"]


def test_an_engine_killed_ten_times_doubles_nothing(region: LocalRegion, cluster: Cluster) -> None:
    expected = Counter(resources(region))
    before = live_objects(region, cluster)
    region.engine.destroy()
    apart = sum(expected.values()) // (KILLS + 1)
    killed_after: set[str] = set()
    for _ in range(KILLS):
        killed_after.add(kill_after(region, apart, killed_after))
    assert len(killed_after) == KILLS
    interrupt(region)

    region.engine.up()

    assert Counter(resources(region)) == expected
    assert changes(region) == {}
    assert live_objects(region, cluster) == before


def test_destroy_leaves_nothing(region: LocalRegion, cluster: Cluster) -> None:
    assert live_objects(region, cluster)
    region.engine.destroy()
    assert live_objects(region, cluster) == Counter()
    assert resources(region) == []


def test_down_leaves_no_process_and_no_folder(machine: LocalRegion, region: LocalRegion) -> None:
    assert processes_of(region.state), "a running region has processes, or this test sees none"
    machine.down(Steps())
    try:
        assert processes_of(machine.state) == []
        assert not machine.state.exists()
        assert (
            machine.addresses.node_netns
            not in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.split()
        )
    finally:
        machine.start(Steps())


def kill_after(region: LocalRegion, count: int, passed: Collection[str]) -> str:
    """Run `pulumi up`, kill the engine with SIGKILL after so many creations; the last resource created."""
    engine, created = stop_after(region, count, passed, signal.SIGKILL)
    assert engine.returncode == -signal.SIGKILL
    return created


def interrupt(region: LocalRegion) -> None:
    """Run `pulumi up` and interrupt it, as Ctrl-C does, after one creation."""
    engine, _created = stop_after(region, 1, (), signal.SIGINT)
    assert engine.returncode not in (0, -signal.SIGINT), "the engine ends in its own way, and not with success"


def stop_after(
    region: LocalRegion, count: int, passed: Collection[str], how: signal.Signals
) -> tuple[subprocess.Popen[str], str]:
    """Run `pulumi up`, send the engine a signal after so many creations, await its end and that of its plugins.

    The last of the creations is none of those `passed`: one whose engine was killed before it recorded it comes again.
    """
    region.engine.recover()
    command = [str(region.engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive", "--color=never"]
    where = ["--stack", region.engine.stack, "--config-file", str(region.stack_file)]
    printed: list[str] = []
    created: list[str] = []
    last = ""
    children: list[psutil.Process] = []
    with subprocess.Popen(
        [*command, *where],
        cwd=region.engine.project,
        env=region.engine.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        for line in engine.stdout:
            printed.append(line)
            if found := CREATED.match(line):
                created.append(f"{found['type']} {found['name']}")
                if not last and len(created) >= count and created[-1] not in passed:
                    last = created[-1]
                    children = psutil.Process(engine.pid).children(recursive=True)
                    engine.send_signal(how)
    assert last, "".join(printed)
    eventually(
        lambda: not any(child.is_running() for child in children), "the plugins end with their engine", seconds=15
    )
    return engine, last


def resources(region: LocalRegion) -> list[str]:
    """URNs in the engine's state."""
    exported = json.loads(region.engine.run(["stack", "export", "--stack", region.engine.stack]))
    return [
        one["urn"] for one in exported["deployment"].get("resources", []) if "::pulumi:pulumi:Stack::" not in one["urn"]
    ]


def live_objects(region: LocalRegion, cluster: Cluster) -> Counter[str]:
    """What the program made, counted where it really is: the cluster, AWS, Cloudflare."""
    found: Counter[str] = Counter()
    kinds = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    listed = json.loads(
        cluster.kubectl("get", ",".join(kinds), "-A", "-o", "json", "-l", "app.kubernetes.io/managed-by=moltghost")
    )
    found.update(f"{item['kind']} {item['metadata']['name']}" for item in listed["items"])
    with aws(region, "s3") as s3, aws(region, "kms") as kms:
        found.update(f"bucket {one['Name']}" for one in s3.list_buckets()["Buckets"])
        keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
        found.update(f"key {key['Description']}" for key in keys if key["KeyState"] != "PendingDeletion")
    found.update(cloudflare_objects(region))
    return found


def cloudflare_objects(region: LocalRegion) -> list[str]:
    """Scripts, KV namespaces, records and routes the local Cloudflare holds."""
    edge = load_settings(region.stack_file, DevSettings).edge
    lists = {
        "script": f"accounts/{edge.account_id}/workers/scripts",
        "namespace": f"accounts/{edge.account_id}/storage/kv/namespaces",
        "record": f"zones/{edge.zone_id}/dns_records",
        "route": f"zones/{edge.zone_id}/workers/routes",
    }
    root = f"http://127.0.0.1:{region.addresses.cloudflare}/client/v4"
    return [
        f"{kind} {one.get('title') or one.get('name') or one.get('pattern') or one['id']}"
        for kind, path in lists.items()
        for one in httpx.get(f"{root}/{path}", headers={"authorization": "Bearer local"}, trust_env=False)
        .raise_for_status()
        .json()["result"]
    ]


def processes_of(state: Path) -> list[int]:
    """Processes that carry the region's mark."""
    mark = f"MOLTGHOST_INSTANCE={state}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and mark in _environment(entry).split(b"\0")
    ]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
