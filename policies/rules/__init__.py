"""The rules, one a file; `policies.registry` finds them."""
