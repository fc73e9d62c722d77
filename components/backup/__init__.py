"""Where a region's snapshots are kept."""
