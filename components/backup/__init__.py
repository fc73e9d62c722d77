"""Where one customer's snapshots are kept."""
