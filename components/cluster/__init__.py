"""The cluster every tenant of a region stands on."""
