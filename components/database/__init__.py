"""A region's database."""
