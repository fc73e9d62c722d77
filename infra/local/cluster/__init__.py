"""Kubernetes on one machine: control plane, and a node that lives in a network namespace without a way out."""
