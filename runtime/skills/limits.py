"""How much a bundle may hold."""

MAX_FILES = 500
MAX_BYTES = 16 * 1024 * 1024
"""Of a bundle, unpacked: its files and what archives put around them."""
MAX_MANIFEST_BYTES = 256 * 1024
MAX_PATH = 150
"""Characters of a path inside a bundle: what an archive's header holds, however they are split into names."""
MAX_DEPTH = 8
"""Names in a path."""
MAX_NAME = 100
"""Characters of one of them: what every archive format holds."""
