"""Models' weights where agents can mount them."""
