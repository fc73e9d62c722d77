"""The machine's own controllers in one process: local volumes, and GPUs of the node."""

import argparse
import asyncio
from pathlib import Path

from infra.local.cluster.gpus import keep_gpus
from infra.local.cluster.volumes import keep_attached, provision, reclaim
from infra.local.following import connect
from infra.local.termination import until_terminated


async def run(kubeconfig: Path, volumes: Path, node: str, *, sized: bool) -> None:
    """Run all until SIGTERM."""
    api = await connect(kubeconfig)
    try:
        with until_terminated():
            async with asyncio.TaskGroup() as group:
                group.create_task(provision(api, volumes, node, sized=sized))
                group.create_task(keep_attached(api, volumes))
                group.create_task(reclaim(api, volumes))
                group.create_task(keep_gpus(api, node))
    finally:
        await api.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--volumes", type=Path, required=True, help="folder that holds all volumes")
    parser.add_argument("--node", required=True, help="name of the node that has volumes and GPUs")
    parser.add_argument("--sized", action="store_true", help="give each volume a disk of the size it claims")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.kubeconfig, arguments.volumes, arguments.node, sized=arguments.sized))


if __name__ == "__main__":
    main()
