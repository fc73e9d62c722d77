"""The local stand-in of the image a registry build names as BASE: Debian packages, unpacked by mmdebstrap."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from infra.local.cache import Progress, digest_of, elapsed, locked
from infra.local.go_build import ToolError

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv", "usr-is-merged")
"""`usr-is-merged` in place of what would merge /usr, with all of Perl; the hook below has it merged from the start."""
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
EPOCH = "1700000000"
"""Every file's time, in seconds since 1970: the same packages give the same bytes."""
RECIPE = "1"


def base_key() -> str:
    """What the base is made from, in 16 hex digits; another key means another base."""
    return digest_of([RECIPE, SUITE, MERGED, *PACKAGES, *LEFT_OUT, EPOCH])[:16]


def ensure_base(cache: Path, progress: Progress) -> Path:
    """The base's root file system as a tar archive, made when the cache lacks it. ToolError when mmdebstrap fails."""
    folder = cache / "images" / "base"
    archive = folder / f"{base_key()}.tar"
    if archive.exists():
        return archive
    with locked(folder / "lock", progress, "the base image"):
        if archive.exists():
            return archive
        progress(f"making the base image from Debian {SUITE}: {', '.join(PACKAGES)}")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".base-", dir=folder) as scratch:
            made = Path(scratch) / "base.tar"
            _bootstrap(made)
            made.replace(archive)
        progress(f"made the base image in {elapsed(started)}")
    return archive


def _bootstrap(into: Path) -> None:
    without = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    # A package's copyright file stays: the licences ask for it.
    kept = ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
    wanted = [f"--hook-dir={MERGED}", f"--include={','.join(PACKAGES)}"]
    command = ["mmdebstrap", "--variant=minbase", *wanted, *without, *kept, SUITE, str(into)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-10:])
        raise ToolError(f"mmdebstrap cannot make the base image (exit status {done.returncode}):\n{tail}")
