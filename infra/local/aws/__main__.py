"""The server: moto's own, with its own arguments (`-H`, `-p`), and what its EKS runs clusters with."""

import argparse
import json
import sys
from pathlib import Path

from moto.server import main as serve

from infra.local.aws.eks import hosting
from infra.local.aws.mending import mend


def main(arguments: list[str]) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--clusters", type=Path, help="state folder whose supervisor runs EKS's clusters")
    parser.add_argument("--slot", type=int, default=0, help="whose ports they get")
    parser.add_argument("--tools", type=json.loads, default={}, help="programs by name, as JSON")
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", required=True)
    own = parser.parse_args(arguments)
    mend()
    if own.clusters is not None:
        tools = {name: Path(path) for name, path in own.tools.items()}
        hosting.configure(hosting.MachineHost(own.clusters, own.slot, tools, f"http://{own.host}:{own.port}"))
    serve(["-H", own.host, "-p", own.port])


if __name__ == "__main__":
    main(sys.argv[1:])
