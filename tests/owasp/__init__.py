"""Attacks and their look-alikes, each sent to the layer that the docs say refuses it."""
