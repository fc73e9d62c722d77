"""The `kubernetes` provider: server-side apply against a real API server."""
