"""Tests of what is told about an image."""
