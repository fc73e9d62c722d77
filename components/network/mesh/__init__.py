"""The WireGuard mesh between sites: regions, points of presence, and places with GPUs outside the cloud."""
