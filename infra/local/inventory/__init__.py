"""What is in an image: its packages, their licences, its size; written down as a bill of materials."""
