"""OpenClaw in the pod: its configuration, how it is started, and whether it is ready."""
