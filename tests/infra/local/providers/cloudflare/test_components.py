"""What stands around the Worker, as its components declare it, through the real engine.

It is deployed, previewed a second time, changed by another hand, mended, and destroyed.
"""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from components.edge.manifests import binding_names
from components.values import Values
from tests.components.specs import CONSOLE, EDGE, JKT, LOGS, ORIGIN, ROLLOUT, STEERING
from tests.infra.local.providers.cloudflare.conftest import LocalCloudflare
from tests.infra.local.providers.conftest import Program

ACCOUNT, ZONE, WORKER = "e" * 32, "f" * 32, "engine-parts-edge"
OWN = {"account_id": ACCOUNT, "zone_id": ZONE, "script_name": WORKER, "hostname": "parts.engine.test"}
SECRET = base64.b64encode(b"a tunnel secret of 32 bytes, or so").decode()
CHALLENGE = "a challenge nobody may see"
REQUESTS = 60
WORKER_TEXT = """import { DurableObject } from "cloudflare:workers";
export class Limiter extends DurableObject {}
export class HookLedger extends DurableObject {}
export class HookOutbox extends DurableObject {}
export default { fetch: (_, env) => new Response(`ANSWER ${env.KEY_PEPPER.length}`) };"""
PEPPER = "a pepper nobody may see"

PROGRAM = """
import warnings

import pulumi

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_cloudflare as cloudflare
from components.edge.component import Edge, EdgeArgs
from components.edge.operations import Console, ConsoleArgs, Logs, LogsArgs
from components.edge.operations_spec import ConsoleSpec, LogsSpec
from components.edge.origin import Origin, OriginArgs
from components.edge.origin_spec import OriginSpec
from components.edge.rollout import Rollout, RolloutArgs
from components.edge.rollout_spec import RolloutSpec
from components.edge.spec import EdgeSpec
from components.edge.steering import Steering, SteeringArgs
from components.edge.steering_spec import SteeringSpec

own = cloudflare.Provider("cloudflare", base_url={api!r}, api_token="test")
secret = pulumi.Output.secret
secrets = {{"key_pepper": secret({pepper!r}), "signing_key": secret("a key")}}
edge = Edge("edge", EdgeArgs(spec=EdgeSpec(**{edge!r}), cloudflare=own, held={held}, **secrets))
Console("console", ConsoleArgs(spec=ConsoleSpec(**{console!r}), cloudflare=own))
challenges = {{f"{{name}}_challenge": secret({challenge!r}) for name in ("requests", "worker")}}
Logs("logs", LogsArgs(spec=LogsSpec(**{logs!r}), cloudflare=own, **challenges))
pools = {{}}
for spec in {origins!r}:
    args = OriginArgs(spec=OriginSpec(**spec), tunnel_secret=secret({secret!r}), cloudflare=own)
    pools[spec["region"]] = Origin("origin-" + spec["region"], args).pool
Steering("steering", SteeringArgs(spec=SteeringSpec(**{steering!r}), pools=pools, cloudflare=own))
if {rollout!r}:
    args = RolloutArgs(spec=RolloutSpec(**{rollout!r}), script_name=edge.script, cloudflare=own)
    pulumi.export("version", Rollout("rollout", args).version)
"""

COLLECTIONS = (
    f"/accounts/{ACCOUNT}/access/apps",
    f"/accounts/{ACCOUNT}/access/policies",
    f"/accounts/{ACCOUNT}/cfd_tunnel",
    f"/accounts/{ACCOUNT}/load_balancers/monitors",
    f"/accounts/{ACCOUNT}/load_balancers/pools",
    f"/accounts/{ACCOUNT}/logpush/jobs",
    f"/accounts/{ACCOUNT}/storage/kv/namespaces",
    f"/accounts/{ACCOUNT}/workers/scripts",
    f"/zones/{ZONE}/dns_records",
    f"/zones/{ZONE}/load_balancers",
    f"/zones/{ZONE}/logpush/jobs",
    f"/zones/{ZONE}/workers/routes",
)
VERSIONS = f"/accounts/{ACCOUNT}/workers/workers/{WORKER}/versions"


def own(spec: Values, **more: object) -> dict[str, Any]:
    """A spec's values, in the test's own account and zone."""
    values = spec.model_dump()
    return {**values, **{name: value for name, value in OWN.items() if name in values}, **more}


def text(local: LocalCloudflare, answer: str, rollout: dict[str, Any] | None = None) -> str:
    """The program: a Worker that answers so, held where a rollout tries it."""
    origins = [
        own(ORIGIN, hostname="sin.engine.test"),
        own(ORIGIN, region=JKT, hostname="jkt.engine.test", latitude=-6.2, longitude=106.8),
    ]
    return PROGRAM.format(
        api=local.api,
        edge=own(EDGE, script=WORKER_TEXT.replace("ANSWER", answer), logpush=True),
        pepper=PEPPER,
        held=rollout is not None,
        console=own(CONSOLE, hostname="console.engine.test"),
        logs=own(LOGS),
        challenge=CHALLENGE,
        origins=origins,
        secret=SECRET,
        steering=own(STEERING, hostname="any.engine.test"),
        rollout=rollout,
    )


def rollout(stable: str, answer: str, percent: int) -> dict[str, Any]:
    names = {"bindings": tuple(binding_names(EDGE)), "stable": stable, "percent": percent}
    return own(ROLLOUT, script=WORKER_TEXT.replace("ANSWER", answer), **names)


def answers(local: LocalCloudflare) -> set[str]:
    """All that the Worker says to many requests; each version has a letter of its own."""
    said = [local.http.get(local.edge, headers={"Host": OWN["hostname"]}).text for _ in range(REQUESTS)]
    assert all(one.endswith(f" {len(PEPPER)}") for one in said), said
    return {one[0] for one in said}


def change(local: LocalCloudflare, path: str, name: str, **fields: object) -> None:
    """Another hand changes fields of a record."""
    (record,) = [each for each in local.result(path) if name in (each.get("name"), each.get("hostname"))]
    ours = ("id", "created_on", "modified_on", "updated_at", "aud", "moltghost_owner")
    kept = {field: value for field, value in record.items() if field not in ours}
    if "logpush" in path:
        kept["ownership_challenge"] = CHALLENGE
    local.http.put(f"{local.api}{path}/{record['id']}", json={**kept, **fields}).raise_for_status()


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], local: LocalCloudflare) -> Program:
    return make_program("cloudflare", {"baseUrl": local.api, "apiToken": "test"})


def test_each_part_shows_no_difference_a_second_time_is_mended_and_leaves_nothing(
    program: Program, local: LocalCloudflare
) -> None:
    program.up(text(local, "A"))
    program.engine.refresh()
    assert program.plan() == {}
    assert {CHALLENGE, SECRET, PEPPER} & set(program.state_text().split('"')) == set()
    assert answers(local) == {"A"}

    change(local, f"/accounts/{ACCOUNT}/access/apps", "moltghost console", session_duration="720h")
    change(local, f"/zones/{ZONE}/logpush/jobs", "moltghost-requests", enabled=False)
    change(local, f"/zones/{ZONE}/load_balancers", "any.engine.test", steering_policy="random")
    change(local, f"/accounts/{ACCOUNT}/load_balancers/pools", "platform-jkt-origin", enabled=False)
    program.engine.refresh()
    assert program.plan() == {
        "platform-sin-console": ("update", {"sessionDuration"}),
        "platform-sin-edge-log": ("update", {"enabled"}),
        "platform-sin-steering": ("update", {"steeringPolicy"}),
        "platform-jkt-origin": ("update", {"enabled"}),
    }

    (stable, *_) = [one["id"] for one in local.result(VERSIONS)]
    program.up(text(local, "B", rollout(stable, "B", 50)))
    assert answers(local) == {"A", "B"}, "one of 60 at a half each is missing once in 10^18 runs"
    program.engine.refresh()
    assert program.plan() == {}
    program.up(text(local, "B", rollout(stable, "B", 0)))
    assert answers(local) == {"A"}
    program.up(text(local, "B"))
    assert answers(local) == {"B"}

    program.engine.destroy()
    assert {path: local.result(path) for path in COLLECTIONS} == {path: [] for path in COLLECTIONS}
