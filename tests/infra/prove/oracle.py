"""cyclonus' model of NetworkPolicy as a program, built once from its module and kept by what it is made from."""

import fcntl
import os
import subprocess
from functools import cache
from pathlib import Path

from infra.local.cache import cache_root, digest_of

SOURCE = Path(__file__).parent / "network_oracle"


@cache
def built() -> Path:
    """The program. It is built where the cache has none of these very sources: a minute and a half."""
    sources = [path.read_bytes() for path in sorted(SOURCE.iterdir())]
    program = cache_root() / "oracles" / digest_of(sources) / "network-oracle"
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / "lock").open("w") as lock:  # of tests beside this one, one builds
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            part = program.with_suffix(".part")
            command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", str(part), "."]
            environment = {**os.environ, "GOWORK": "off", "CGO_ENABLED": "0"}
            subprocess.run(command, cwd=SOURCE, env=environment, check=True)
            part.rename(program)
    return program
