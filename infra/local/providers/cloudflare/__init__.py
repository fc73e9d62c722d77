"""The `cloudflare` provider: makes each resource through an API on loopback and reads back what is there."""
