"""The Worker's uploads under the real engine, against an API that refuses a migration it has made."""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence

import pytest

from components.edge.migrations import MIGRATIONS, Migration
from infra.local.engine import EngineError
from tests.components.specs import EDGE
from tests.infra.local.providers.cloudflare.conftest import LocalCloudflare
from tests.infra.local.providers.conftest import Program
from tests.program.recording import Registered, Secret, record_declaring

CLASSES = ("Limiter", "HookLedger", "HookOutbox")
NEXT = (*MIGRATIONS, Migration("objects-2", ("More",)))
SCRIPT = "cloudflare:index/workersScript:WorkersScript"


def script(*classes: str, says: str = "one") -> str:
    """A Worker that exports these classes and says something."""
    exported = "".join(f"export class {name} extends DurableObject {{}}\n" for name in classes)
    answer = f'export default {{ fetch(request, env) {{ return new Response("{says} " + typeof env.LIMITER) }} }}'
    return f'import {{ DurableObject }} from "cloudflare:workers";\n{exported}{answer}'


def edge(text: str, migrations: Sequence[Migration] = MIGRATIONS) -> list[Registered]:
    """What the component declares at Cloudflare."""

    def declare() -> None:
        with warnings.catch_warnings():
            # The SDK warns of its own deprecated classes while it is loaded, used or not.
            warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
            import pulumi
            import pulumi_cloudflare as cloudflare

            from components.edge.component import Edge, EdgeArgs

        Edge(
            "edge",
            EdgeArgs(
                spec=EDGE.model_copy(update={"script": text}),
                key_pepper=pulumi.Output.secret("pepper"),
                signing_key=pulumi.Output.secret("{}"),
                cloudflare=cloudflare.Provider("cloudflare", api_token="test"),
                migrations=migrations,
            ),
        )

    return [each for each in record_declaring(declare).resources if each.type.startswith("cloudflare:")]


def program_of(declared: list[Registered]) -> str:
    """The same as a tiny program: inputs that are another's id refer to it, and secrets are plain text there."""
    lines: list[str] = []
    known: dict[str, str] = {}
    for at, each in enumerate(declared):
        ids = "|".join(re.escape(f"'{other.name}-id'") for other in declared)
        inputs = re.sub(ids, lambda found: f"{known[found[0].strip(chr(39))]}.id", repr(plain(each.inputs)))
        after = [known[f"{urn.rpartition('::')[2]}-id"] for urn in each.depends_on if urn.rpartition("::")[0]]
        known[f"{each.name}-id"] = f"r{at}"
        ignored = list(each.ignore_changes)
        options = f"ignore_changes={ignored!r}, retain_on_delete={bool(ignored)}, depends_on=[{', '.join(after)}]"
        lines.append(f"r{at} = resource({each.type!r}, {each.name!r}, {inputs}, {options})")
    return "\n".join(lines)


def plain(value: object) -> object:
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], local: LocalCloudflare) -> Iterator[Program]:
    yield make_program("cloudflare", {"baseUrl": local.api, "apiToken": "test"})
    # A migration's upload goes with the script, not with its resource.
    local.http.delete(f"{local.api}/accounts/{EDGE.account_id}/workers/scripts/{EDGE.script_name}")


def tag(local: LocalCloudflare) -> str:
    (one,) = local.result(f"/accounts/{EDGE.account_id}/workers/scripts")
    return str(one["migration_tag"])


def test_the_classes_are_made_once_and_the_script_goes_on_changing(program: Program, local: LocalCloudflare) -> None:
    program.up(program_of(edge(script(*CLASSES))))
    assert (tag(local), local.http.get(local.edge).text) == ("objects-1", "one object")
    assert program.plan() == {}
    program.engine.refresh()
    assert program.plan() == {}

    program.up(program_of(edge(script(*CLASSES, says="two"))))
    assert (tag(local), local.http.get(local.edge).text) == ("objects-1", "two object")
    assert program.plan() == {}

    program.up(program_of(edge(script(*CLASSES, "More", says="three"), NEXT)))
    assert (tag(local), local.http.get(local.edge).text) == ("objects-2", "three object")
    assert program.plan() == {}
    program.up(program_of(edge(script(*CLASSES, "More", says="four"), NEXT)))
    assert (tag(local), local.http.get(local.edge).text) == ("objects-2", "four object")

    program.engine.destroy()
    assert local.result(f"/accounts/{EDGE.account_id}/workers/scripts") == []


def test_an_account_that_is_new_makes_all_migrations_in_turn(program: Program, local: LocalCloudflare) -> None:
    program.up(program_of(edge(script(*CLASSES, "More"), NEXT)))
    assert (tag(local), local.http.get(local.edge).text) == ("objects-2", "one object")
    assert program.plan() == {}
    program.engine.destroy()


def test_a_migration_whose_engine_was_killed_before_it_noted_it_is_not_made_again(
    program: Program, local: LocalCloudflare
) -> None:
    program.up(program_of(edge(script(*CLASSES))))
    forget(program)
    program.up(program_of(edge(script(*CLASSES))))
    assert tag(local) == "objects-1"
    assert program.plan() == {}

    forget(program)
    with pytest.raises(EngineError, match="expected tag is 'objects-1'"):
        program.up(program_of(edge(script(*CLASSES, says="somebody else's"))))


def forget(program: Program) -> None:
    """Leave the account as it is and take everything out of the engine's state, as if it had been killed each time."""
    exported = json.loads(program.engine.run(["stack", "export", "--stack", program.engine.stack]))
    exported["deployment"]["resources"] = []
    program.engine.run(["stack", "import", "--stack", program.engine.stack], text=json.dumps(exported))


def test_a_script_that_declares_its_migration_for_good_is_refused_when_it_changes(program: Program) -> None:
    """What the component must not do, and what the provider does with it."""

    def declared(text: str) -> str:
        only = [each for each in edge(text) if each.type == SCRIPT and "migrations" in each.inputs]
        return program_of(only).replace(repr(list(only[0].ignore_changes)), "[]")

    program.up(declared(script(*CLASSES)))
    with pytest.raises(EngineError, match="expected tag is 'objects-1'"):
        program.up(declared(script(*CLASSES, says="two")))
