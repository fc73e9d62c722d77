"""Tests of how an agent runs OpenClaw."""
