"""The region's end of the tunnel."""
