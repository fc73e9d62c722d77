"""Reads a stack's config: the only part of the program that does."""

from infra.settings.loading import SECRETS, Draft, draft_settings, load_settings
from infra.settings.models import Settings
from infra.settings.problems import ConfigError, Problem
from infra.settings.source import Source, read_engine, read_file

__all__ = [
    "SECRETS",
    "ConfigError",
    "Draft",
    "Problem",
    "Settings",
    "Source",
    "draft_settings",
    "load_settings",
    "read_engine",
    "read_file",
]
