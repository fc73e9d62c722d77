"""Private skills: a tenant's tools and instructions in one signed bundle, and what proves that nobody changed it."""
