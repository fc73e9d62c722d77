"""The server: moto's own, with its own arguments (`-H`, `-p`)."""

import sys

from moto.server import main

from infra.local.aws.mending import mend

if __name__ == "__main__":
    mend()
    main(sys.argv[1:])
