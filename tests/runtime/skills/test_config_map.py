"""What carries a bundle to an agent takes names of its own and a mebibyte."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.skills.config_map import MAX_BYTES, config_map_entries
from runtime.skills.errors import SkillError
from tests.runtime.skills.bundles import FILES, bundle_of
from tests.runtime.skills.test_archive import PATHS

KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
"""What Kubernetes takes as a key."""


def test_everything_is_there_and_comes_back_to_its_path() -> None:
    bundle = bundle_of()
    entries = config_map_entries(bundle)
    assert {entry.path: base64.b64decode(entry.content) for entry in entries} == bundle.contents


@given(st.sets(PATHS, max_size=8))
def test_keys_are_kubernetes_own_and_differ(paths: set[str]) -> None:
    files = {f"crm/more/{number}/{path}": b"" for number, path in enumerate(sorted(paths))}
    entries = config_map_entries(bundle_of({**FILES, **files}))
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)
    assert all(KEY.fullmatch(key) for key in keys)


def test_paths_that_look_alike_have_keys_of_their_own() -> None:
    files = {"crm/a/b.c": b"", "crm/a.b/c": b"", "crm/a-b_c": b""}
    assert len({entry.key for entry in config_map_entries(bundle_of({**FILES, **files}))}) == len(FILES) + 3 + 2


def test_a_bundle_of_the_most_bytes_fits_and_one_more_does_not() -> None:
    filler = "crm/skills/crm/big.md"
    small = sum(map(len, bundle_of({**FILES, filler: b"x" * 1_000_000}).contents.values())) - 1_000_000
    config_map_entries(bundle_of({**FILES, filler: b"x" * (MAX_BYTES - small)}))
    with pytest.raises(SkillError) as refused:
        config_map_entries(bundle_of({**FILES, filler: b"x" * (MAX_BYTES - small) + b"x"}))
    for part in (str(MAX_BYTES + 1), str(MAX_BYTES), f"{filler} ({MAX_BYTES - small + 1})", "leave out"):
        assert part in str(refused.value)
