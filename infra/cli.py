"""The `moltghost` command line."""

import click

from infra.check import check
from infra.gen import gen
from infra.local.commands import down, prepare, preview, status, up
from infra.local.doctor import doctor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Declare, check, preview and run a private AI-agent hosting platform."""


for command in (check, doctor, down, gen, prepare, preview, status, up):
    main.add_command(command)
