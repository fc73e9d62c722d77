"""The `command` provider: runs commands on this machine."""
