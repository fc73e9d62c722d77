"""The agent's program on ports of a test's own: `python -m tests.runtime.agent.program PORT MODEL_PORT REASON_FILE`."""

import os
import sys
from pathlib import Path

from runtime.agent.__main__ import main

if __name__ == "__main__":
    sys.exit(main(os.environ, int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
