"""The `moltghost` command line."""

import click

from infra.lazy import LazyGroup

COMMANDS = {
    "check": "infra.check:check",
    "diff": "infra.synth.diff.command:diff",
    "doctor": "infra.local.doctor:doctor",
    "down": "infra.local.commands:down",
    "edge-key": "infra.edge_key:edge_key",
    "eks-token": "infra.eks_token:eks_token",
    "gen": "infra.gen:gen",
    "hook-secret": "infra.hook_secret:hook_secret",
    "image": "infra.local.inventory.command:image",
    "key": "infra.api_keys:key",
    "mesh": "infra.mesh_keys:mesh",
    "model": "infra.model:model",
    "prepare": "infra.local.commands:prepare",
    "preview": "infra.local.commands:preview",
    "probe": "infra.prove.probe:probe",
    "prove": "infra.prove.command:prove",
    "receipts": "infra.receipts:receipts",
    "reconcile": "infra.synth.reconcile:reconcile",
    "region": "infra.additions:region",
    "skills": "infra.skills.commands:skills",
    "status": "infra.local.commands:status",
    "synth": "infra.synth.command:synth",
    "tenant": "infra.additions:tenant",
    "up": "infra.local.commands:up",
}
"""Where each command is defined."""


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Declare, check, preview and run a private AI-agent hosting platform."""
