"""Many stacks recorded by several processes, each of which stays warm."""

import gc
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from infra.synth.fleet import Fleet, synth
from infra.synth.model import Stack
from infra.synth.monitor import SynthError

_WORTH = 12
"""Stacks below which another process costs more than it brings: loading the SDKs alone takes seconds."""
_CHUNK = 4

_fleet: Fleet | None = None


def cores() -> int:
    """How many processes can work at once here."""
    return len(os.sched_getaffinity(0))


def synth_all(fleet: Fleet, stacks: Sequence[str], jobs: int | None = None) -> dict[str, Stack]:
    """The records of all stacks, in the order asked for, made by `jobs` processes (by itself one a core).

    Every process records what its stacks ask for by itself: nothing secret goes between them. Raises SynthError with
    what is wrong with each stack that fails.
    """
    jobs = min(cores() if jobs is None else jobs, -(-len(stacks) // _WORTH))
    if jobs <= 1:
        return synth(fleet, stacks)
    # Not a fork: the SDKs keep threads and locks.
    context = multiprocessing.get_context("spawn")
    chunks = [stacks[at : at + _CHUNK] for at in range(0, len(stacks), _CHUNK)]
    made: dict[str, Stack] = {}
    errors: list[str] = []
    with ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(fleet,)) as pool:
        for records, error in pool.map(_record, chunks):
            made |= records
            errors += error
    if errors:
        raise SynthError("\n".join(errors))
    return made


def _begin(fleet: Fleet) -> None:
    global _fleet
    _fleet = fleet


def _record(stacks: Sequence[str]) -> tuple[dict[str, Stack], list[str]]:
    if _fleet is None:
        raise AssertionError("the process was begun without a fleet")
    made: dict[str, Stack] = {}
    errors: list[str] = []
    for name in stacks:
        try:
            made |= synth(_fleet, [name])
        except SynthError as error:
            errors.append(str(error))
    if not gc.get_freeze_count():
        # The SDKs are loaded now, and stay: looking through them for garbage after each stack took a tenth of the time.
        gc.collect()
        gc.freeze()
    return made, errors
