"""Turns a source into settings, and what is wrong with it into problems."""

import copy
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.settings.fields import Section
from infra.settings.kinds import KINDS, Settings
from infra.settings.models import DevSettings
from infra.settings.problems import ConfigError, Problem, path_of, scan_for_secrets
from infra.settings.shape import Location, example_at, field_at, section_at, setting_of
from infra.settings.source import Source, read_file

S = TypeVar("S", bound=Section)

SECRETS = {
    "keyPepper": "the pepper API keys are hashed with",
    "edgeSigningKey": "the private key edge tokens are signed with",
    "agentSecrets": 'the agents\' own secrets, as JSON: `{"<tenant>/<agent>": {"<name>": "<value>"}}`',
    "requestsLogChallenge": "what Cloudflare put into the folder of the zone's log to see whose it is",
    "workerLogChallenge": "what Cloudflare put into the folder of the Worker's log to see whose it is",
    "kubeconfig": "the kubeconfig of the region's cluster, whole",
    "tunnelSecret": "what the region's tunnel is made with: 32 random bytes or more, in base64",
    "meshKeys": "the mesh's private and preshared keys, as `moltghost mesh keys` writes them; in a region its own",
    "meshSshKey": "the private SSH key by which gateways outside the cloud are configured",
}
"""Settings that are only ever encrypted; the program reads them as Pulumi secrets and nothing else of it does."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "dev": ("keyPepper", "edgeSigningKey", "agentSecrets"),
    "global": ("keyPepper", "edgeSigningKey"),
    "region": ("kubeconfig", "tunnelSecret"),
    "tenant": ("agentSecrets",),
}
"""The secrets of each kind."""

_CHALLENGES = ("requestsLogChallenge", "workerLogChallenge")
"""Secrets of a stack whose edge's logs go somewhere."""

_MACHINES = ("meshKeys", "meshSshKey")
"""Secrets of a stack that configures gateways outside the cloud."""

_PLAYED = ("kubeconfig", "tunnelSecret")
"""Secrets a stack needs none of where a machine stands for the cloud."""

_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_pattern_mismatch": "does not have the form asked for",
    "string_too_short": "is empty",
    "too_short": "is empty",
}


@dataclass(frozen=True)
class Draft:
    """Settings on probation: `problems` says what is wrong with their shape.

    Where there is something, `settings` holds an example in its stead, so that the rest can still be judged; `replaced`
    are those places. Whoever uses the settings must have seen that there is no problem.
    """

    settings: Settings
    source: Source
    problems: tuple[Problem, ...]
    replaced: frozenset[str]


def load_settings(path: Path, kind: type[S]) -> S:
    """The settings in a stack file of one kind, their shape checked. Raises ConfigError with every problem of it."""
    draft = draft_settings(read_file(path))
    if draft.problems:
        raise ConfigError(draft.source.name, draft.problems, draft.source.lines)
    if not isinstance(draft.settings, kind):
        problem = Problem(path_of(("kind",)), "is another kind of stack", "Name another stack", draft.settings.kind)
        raise ConfigError(draft.source.name, [problem], draft.source.lines)
    return draft.settings


def draft_settings(source: Source, complete: bool = False) -> Draft:
    """Judge the shape of a stack's config. Raises ConfigError if it says of no kind of stack that it is one.

    `complete`: the machine's part, where a kind is nothing without, and the secrets must be there too, as they must to
    deploy the stack.
    """
    values = {key: copy.deepcopy(value) for key, value in source.values.items() if key not in SECRETS}
    root = _root(source, values)
    problems = [*source.problems, *_secret_problems(source, complete), *scan_for_secrets(values)]
    replaced: set[str] = set()
    # Each round mends what pydantic names; a mended place can bring its neighbours' faults to light.
    for _ in range(10):
        try:
            settings = root.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                location = _location(detail)
                problem = _problem(root, detail, location)
                if problem.path not in replaced:
                    problems.append(problem)
                replaced.add(problem.path)
                _mend(root, values, location, detail["type"])
        else:
            break
    else:
        raise ConfigError(source.name, problems, source.lines)
    if complete and isinstance(settings, DevSettings) and settings.machine is None:
        problems.append(
            Problem(path_of(("machine",)), "is missing", "Run `make up`: it writes what only the machine knows")
        )
    return Draft(settings, source, tuple(problems), frozenset(replaced))


def _root(source: Source, values: Mapping[str, Any]) -> type[Settings]:
    """The model of the stack's kind. Nothing else can be judged without one."""
    kind, path = values.get("kind"), path_of(("kind",))
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    known = ", ".join(KINDS)
    if "kind" in source.encrypted:
        problem = _no_secret("kind")
    elif "kind" not in values:
        problem = Problem(path, "is missing", f"Say what kind of stack this is: one of {known}")
    else:
        problem = Problem(path, "is no kind of stack", f"The kinds this program knows are {known}", kind)
    raise ConfigError(source.name, [*source.problems, problem, *scan_for_secrets(values)], source.lines)


def needed_secrets(source: Source) -> frozenset[str]:
    """The secrets a stack of this kind, with these settings, cannot be deployed without; none for no known kind."""
    needed = set(_NEEDED.get(str(source.values.get("kind")), ()))
    if "machine" in source.values:
        needed -= set(_PLAYED)
    if "logs" in source.values:
        needed |= set(_CHALLENGES)
    if "eks" in source.values:
        needed -= {"kubeconfig"}
    if _names_machines(source.values.get("sites")):
        needed |= set(_MACHINES)
    if source.values.get("kind") == "region" and _is_joined(source.values.get("mesh")):
        needed |= {"meshKeys"}
    return frozenset(needed)


def _is_joined(mesh: Any) -> bool:
    return isinstance(mesh, dict) and mesh.get("joined") is not False


def _secret_problems(source: Source, complete: bool) -> Iterator[Problem]:
    remedy = "Set it with `pulumi config set --secret {}:{}`; `make up` does it for this machine"
    needed = needed_secrets(source)
    for name, meaning in SECRETS.items():
        place = path_of((name,))
        how = remedy.format("moltghost", name)
        if name in source.values:
            yield Problem(place, f"{meaning} stands in plain text", f"Take it out and make a new one. {how}")
        elif complete and name in needed and name not in source.encrypted:
            yield Problem(place, f"is missing: {meaning}", how)
    for name in sorted(source.encrypted - SECRETS.keys()):
        yield _no_secret(name)


def _names_machines(sites: Any) -> bool:
    """Whether a gateway of the mesh is a machine the stack configures; of what has no right form nothing is said."""
    listed = [site.get("gateways") for site in sites if isinstance(site, dict)] if isinstance(sites, list) else []
    return any(isinstance(each, dict) and "machine" in each for gateways in listed for each in gateways or ())


def _no_secret(name: str) -> Problem:
    return Problem(path_of((name,)), "is encrypted, but holds no secret of the platform", "Write it in plain text")


def _location(detail: ErrorDetails) -> Location:
    """Where an error is in the file: pydantic also names the key of a free mapping, as a step of its own."""
    return tuple(step for step in detail["loc"] if step != "[key]")


def _problem(root: type[Section], detail: ErrorDetails, location: Location) -> Problem:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(root, location)
    field = field_at(root, location)
    setting = setting_of(field)
    message = message_of(detail)
    remedy = setting.remedy if setting else "Write it as the stack file in this project does"
    if kind == "missing":
        example = example_at(root, location)
        hint = f"Add it, e.g. `{location[-1]}: {example}`. " if _fits_a_line(example) else "Add it. "
        return Problem(path_of(location), message, f"{hint}{remedy}")
    return Problem(path_of(location), message, remedy, detail["input"])


def _fits_a_line(example: Any) -> bool:
    return not isinstance(example, dict | list) and "\n" not in str(example)


def message_of(detail: ErrorDetails) -> str:
    """What is wrong with a value, as the end of a sentence about it."""
    some_are_there = detail["type"] == "too_short" and detail["ctx"]["actual_length"] > 0
    if (said := _MESSAGES.get(detail["type"])) and not some_are_there:
        return said
    text = detail["msg"].replace(" after validation", "")
    for begin, say in (
        ("Input should be ", "must be "),
        ("List should have ", "must have "),
        ("Dictionary should ", "must "),
    ):
        if text.startswith(begin):
            return say + text.removeprefix(begin)
    return text


def _unknown(root: type[Section], location: Location) -> Problem:
    """An unknown key. Its value is not shown: nobody knows what it is."""
    section = section_at(root, location[:-1])
    known = sorted(section.model_fields) if section else []
    if len(location) == 1:
        known += sorted(SECRETS)
    key = str(location[-1])
    close = difflib.get_close_matches(key, known, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else f"Take it out; known here are {', '.join(known)}"
    return Problem(path_of(location), "is not a setting", remedy)


def _mend(root: type[Section], values: dict[str, Any], location: Location, kind: str) -> None:
    """Put an example where a wrong value was; take an unknown key away."""
    holder: Any = values
    for step in location[:-1]:
        holder = holder[step]
    key: Any = location[-1]
    if kind == "extra_forbidden" or (
        isinstance(holder, dict) and section_at(root, location[:-1]) is None and kind != "missing"
    ):
        holder.pop(key, None)
    else:
        holder[key] = example_at(root, location)
