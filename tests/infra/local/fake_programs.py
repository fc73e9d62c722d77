"""Stand-ins for programs on PATH, for tests of what looks for programs."""

from pathlib import Path

FAKE_GO = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
env) echo go1.26.8; exit 0;;
build) ;;
*) exit 9;;
esac
{before}
for argument in "$@"; do case "$argument" in */) out="$argument";; esac; done
for argument in "$@"; do case "$argument" in *.*/*|moltghost/*)
  name="$(basename "$argument")"
  [ "$name" = v3 ] && name="$(basename "$(dirname "$argument")")"
  printf '#!/bin/sh\\necho built\\n' > "$out$name" && chmod +x "$out$name";;
esac; done
"""


def quiet(_line: str) -> None:
    """Hears of progress and says nothing."""


def install(folder: Path, name: str, script: str) -> Path:
    """Put an executable script of that name into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return path


def printing(text: str) -> str:
    """A script that prints one line, whatever it is asked."""
    return f"#!/bin/sh\necho '{text}'\n"


def fake_go(folder: Path, before: str = "") -> Path:
    """A `go` whose builds take no time; the file returned lists its calls. `before` runs first in every build."""
    log = folder / "go.log"
    install(folder, "go", FAKE_GO.format(log=log, before=before))
    log.touch()
    return log


def builds(log: Path) -> list[str]:
    """The build commands a fake `go` was given."""
    return [line for line in log.read_text().splitlines() if line.startswith("build ")]
