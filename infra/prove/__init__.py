"""Proves, from what stacks declare, that no tenant reaches another."""
