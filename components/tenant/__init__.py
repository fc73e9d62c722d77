"""One customer in one region."""
