"""What joins machines: a region's own network, and the mesh between sites."""
