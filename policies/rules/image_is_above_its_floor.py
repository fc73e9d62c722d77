"""No image is of a version with known holes."""

import re
from collections.abc import Mapping

from policies.field import Field, Findings
from policies.pods import POD_TYPES, admit_containers, per_container
from policies.rule import Rule

Version = tuple[int, ...]

FLOORS: Mapping[str, Version] = {"openclaw": (2026, 5, 18), "ollama": (0, 17, 1)}
"""The oldest version allowed of a program, by the last part of its image's name."""
REFUSED: Mapping[str, tuple[Version, ...]] = {"litellm": ((1, 82, 7), (1, 82, 8))}
"""Releases that were tampered with."""
IMAGE = re.compile(r"(?:.*/)?(?P<name>[^/:@]+):v?(?P<version>\d+(?:\.\d+)*)(?P<suffix>-[^@]*)?(?:@.*)?")


def is_allowed(image: object) -> bool:
    """Whether an image's name and tag tell of no forbidden version. One without a version tells nothing."""
    found = IMAGE.fullmatch(str(image))
    if found is None:
        return True
    name, version = found["name"], tuple(int(part) for part in found["version"].split("."))
    floor = FLOORS.get(name, ())
    # A pre-release (-rc1, -beta.2) is below its release.
    below = version < floor or (
        version == floor and re.match(r"-(rc|alpha|beta|pre)", found["suffix"] or "") is not None
    )
    return not below and version not in REFUSED.get(name, ())


def check(container: Field) -> Findings:
    """The image's tag, where it has one, names a version that is allowed."""
    yield from container["image"].require(is_allowed, "this version has known holes")


def _number(text: str, at: int) -> str:
    return f'(size({text}.split(".")) > {at} ? int({text}.split(".")[{at}]) : 0)'


def _cel() -> str:
    """The same in CEL: versions are compared as numbers of up to three parts."""
    clauses = []
    for name in sorted({*FLOORS, *REFUSED}):
        tag = f'("/" + c.image).find("/{name}:v?[0-9]+([.][0-9]+)*").replace("/{name}:v", "").replace("/{name}:", "")'
        weighed = " + ".join(f"{_number(tag, at)} * {1_000_000 ** (2 - at)}" for at in range(3))
        limits = []
        if name in FLOORS:
            limits.append(f"{weighed} >= {_weight(FLOORS[name])}")
            exact = ".".join(map(str, FLOORS[name])).replace(".", "[.]")
            limits.append(f'!("/" + c.image).matches("/{name}:v?{exact}-(rc|alpha|beta|pre)")')
        limits += [f"{weighed} != {_weight(version)}" for version in REFUSED.get(name, ())]
        clauses.append(f'(!("/" + c.image).matches("/{name}:v?[0-9]") || ({" && ".join(limits)}))')
    return " && ".join(clauses)


def _weight(version: Version) -> int:
    padded = (*version, 0, 0, 0)[:3]
    return sum(number * 1_000_000 ** (2 - at) for at, number in enumerate(padded))


RULE = Rule(
    name="image-is-above-its-floor",
    says="No image is of a version below its floor: openclaw 2026.5.18, ollama 0.17.1, litellm not 1.82.7 or 1.82.8.",
    reason="Older ones have holes through which a chat reaches a shell, or another tenant's files.",
    remedy="Take a newer image.",
    controls=("SOC2 CC7.1", "ISO 27001 A.8.8", "GDPR Art. 32"),
    types=POD_TYPES,
    check=per_container(check),
    admission=admit_containers(_cel()),
)
